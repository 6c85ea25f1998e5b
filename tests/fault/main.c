/*
** Runs the fault loop over the scenarios, each in a process of its own, so that a crash is one
** scenario's failure.
**
**     fault [--full] [--jobs N] [NAME…]     all scenarios, or those named (also fault/NAME)
**     fault --at KIND N NAME                one fault, with the stack that met it
**
** Prints the findings and "ok fault/NAME" or "not ok fault/NAME", and at last the number of runs
** with a fault. KIND is memory, memory-gone, io, io-gone, full, stop or interrupt. --full tries
** every N; without it, a sample of them, the same in each run, which keeps `make test` short.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inject.h"
#include "loop.h"

#define SCENARIO_SECONDS_MAX 600
#define JOBS_MAX 16

/* What saves half of the time: a small quarantine (what is freed and used again by mistake is used
   soon) and short stacks of allocations. Leaks are found by SQLite's count of its memory. The
   sanitizer's library looks the function up, so it has to be exported. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "quarantine_size_mb=1:malloc_context_size=3:max_malloc_fill_size=256:detect_leaks=0";
}

typedef struct Job {
    pid_t pid; /* 0: free */
    const Scenario *scenario;
    FILE *output; /* the child's stdout */
    FILE *count;  /* into which the child writes the number of its runs */
} Job;

typedef struct Runner {
    Job jobs[JOBS_MAX];
    int n_jobs;
    long n_runs;
    int n_failed;
    LoopOptions options;
    char folder[1024];
} Runner;

static void child(Runner *runner, const Job *job) {
    char folder[1100];
    snprintf(folder, sizeof folder, "%s/%s", runner->folder, job->scenario->name);
    LoopOptions options = runner->options;
    options.path = "test.db";
    if (mkdir(folder, 0777) || chdir(folder)) exit(1);
    alarm(SCENARIO_SECONDS_MAX);
    dup2(fileno(job->output), STDOUT_FILENO);
    dup2(fileno(job->output), STDERR_FILENO);
    int rc = fault_install();
    LoopResult result = {0, 1};
    if (rc == 0) result = loop_run(job->scenario, &options);
    if (rc != 0) printf("  the faults cannot be installed: %d\n", rc);
    rmdir(folder);
    fprintf(job->count, "%d", result.n_runs);
    fclose(job->count);
    exit(result.n_wrong > 0);
}

static void start(Runner *runner, const Scenario *scenario) {
    Job *job = runner->jobs;
    while (job->pid) job++;
    job->scenario = scenario;
    job->output = tmpfile();
    job->count = tmpfile();
    fflush(stdout);
    job->pid = job->output && job->count ? fork() : -1;
    if (job->pid == 0) child(runner, job);
    if (job->pid < 0) {
        perror("fault");
        exit(2);
    }
}

/* Waits for one child and prints its report. */
static void finish(Runner *runner) {
    int status = 0, n_runs = 0, c;
    pid_t pid = wait(&status);
    Job *job = runner->jobs;
    while (job->pid != pid) job++;
    rewind(job->output);
    while ((c = getc(job->output)) != EOF) putchar(c);
    rewind(job->count);
    if (fscanf(job->count, "%d", &n_runs) == 1) runner->n_runs += n_runs;
    if (WIFSIGNALED(status)) printf("  killed by signal %d\n", WTERMSIG(status));
    int failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    printf("%s fault/%s\n", failed ? "not ok" : "ok", job->scenario->name);
    runner->n_failed += failed;
    fclose(job->output);
    fclose(job->count);
    job->pid = 0;
}

static int selected(const Scenario *scenario, int argc, char **argv) {
    for (int i = 0; i < argc; i++) {
        const char *name = strncmp(argv[i], "fault/", 6) == 0 ? argv[i] + 6 : argv[i];
        if (strcmp(scenario->name, name) == 0) return 1;
    }
    return argc == 0;
}

static int usage(void) {
    fprintf(stderr, "usage: fault [--full] [--jobs N] [NAME…] | fault --at KIND N NAME\n");
    return 2;
}

/* Reads the options. Returns the number of arguments they took, or -1. */
static int read_options(Runner *runner, int argc, char **argv) {
    int i = 1;
    runner->n_jobs = 2;
    runner->options = (LoopOptions){.only_kind = -1};
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--full") == 0) {
            runner->options.full = 1;
        } else if (strcmp(argv[i], "--jobs") == 0 && i + 1 < argc) {
            runner->n_jobs = (int)strtol(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--at") == 0 && i + 3 < argc) {
            int kind = 0;
            i++;
            while (kind < FAULT_KINDS && strcmp(argv[i], fault_kind_name((FaultKind)kind))) kind++;
            runner->options.only_kind = kind;
            runner->options.only_n = (int)strtol(argv[++i], NULL, 10);
            if (kind == FAULT_KINDS || runner->options.only_n < 1) return -1;
        } else {
            return -1;
        }
    }
    if (runner->n_jobs < 1 || runner->n_jobs > JOBS_MAX) return -1;
    return i;
}

int main(int argc, char **argv) {
    static Runner runner;
    int n_options = read_options(&runner, argc, argv);
    if (n_options < 0) return usage();
    const char *tmp = getenv("TMPDIR");
    snprintf(runner.folder, sizeof runner.folder, "%s/ck-fault-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(runner.folder)) {
        perror(runner.folder);
        return 2;
    }
    int n_running = 0, n_selected = 0;
    for (const Scenario *scenario = scenarios; scenario->name; scenario++) {
        if (!selected(scenario, argc - n_options, argv + n_options)) continue;
        n_selected++;
        if (n_running == runner.n_jobs) {
            finish(&runner);
            n_running--;
        }
        start(&runner, scenario);
        n_running++;
    }
    for (; n_running > 0; n_running--) finish(&runner);
    rmdir(runner.folder);
    if (n_selected == 0) return usage();
    printf("  %ld runs with a fault in %d scenarios\n", runner.n_runs, n_selected);
    return runner.n_failed > 0;
}

/*
** A scenario of the fault loop: an old state, statements, and thereby a new state.
*/
#ifndef CK_TESTS_FAULT_SCENARIO_H
#define CK_TESTS_FAULT_SCENARIO_H

typedef struct Scenario {
    const char *name;
    const char *setup; /* makes the old state; NULL: an empty file */
    /* Runs before the faults begin, on the connection under test: a warm connection has its
       statements prepared and its schema read, so the faults strike deeper. NULL: a cold one. */
    const char *warm;
    /* The statements under test: one statement, or one transaction from BEGIN to COMMIT, so that
       nothing but the old and the new state may be seen afterwards. */
    const char *run;
    /* A query whose first value must be 1 in the new state: the scenario does what it says. */
    const char *check;
    int flags;
} Scenario;

/* The statements change nothing: the new state is the old one. */
#define SCENARIO_READS 0x01
/* Rows of the result are not compared: they hold times or random values. */
#define SCENARIO_VARIES 0x02
/* Loading the extension is under test too: the faults begin before it. */
#define SCENARIO_LOADS 0x04
/* run is BEGIN, one changing statement, COMMIT. When the statement fails and the transaction is
   still open, it is committed instead of rolled back: the statement alone must have been undone. */
#define SCENARIO_COMMITS 0x08
/* The state is large, and so a run takes long: a sparser sample of the faults. */
#define SCENARIO_LARGE 0x10
/* Every index has a graph, and every search that can takes it (store/conn.h). It takes long: one
   fault in 31 even when all are wanted. */
#define SCENARIO_GRAPH 0x20
/* Its searches probe the cells of the graph. */
#define SCENARIO_PROBE 0x80

/* The state has another side (far.h), and the statements take several transactions: after a failure
   any of them may have been made. Run again, they must succeed and lead to the new state, of both
   sides; rows of the result are not compared. */
#define SCENARIO_FAR 0x40

/* Ends with a NULL name. */
extern const Scenario scenarios[];

#endif

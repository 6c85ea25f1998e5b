#!/usr/bin/env python3
"""Draws bench/curves.csv: queries per second over recall, an SVG for each data set.

    curves_plot.py CURVES.CSV MACHINE FOLDER     writes FOLDER/curves-DATASET.svg

Both axes are logarithmic: QPS, and 1 - recall, so that .9, .99 and .999 are as far apart as they
matter. A curve ends where recall reaches all that the axis shows. Names stand beside the ends of
the lines, moved apart where they would meet. Colours follow prefers-color-scheme.
"""
import csv
import math
import sys
from html import escape

WIDTH, HEIGHT = 430, 360          # of the drawing area of one panel
LEFT, TOP, RIGHT, BOTTOM = 62, 58, 112, 76
RECALL_MIN, RECALL_MAX = 0.7, 0.9998
TICKS = [0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999]
LABEL_HEIGHT = 15
# system: (class, dashes)
STYLES = {
    'ck graph': ('ck', ''), 'ck': ('ck', '5 4'), 'ck recall': ('recall', ''),
    'hnswlib': ('a', ''), 'vectorlite': ('b', ''), 'sqlite-vector': ('c', ''),
    'sqlite-vec': ('d', ''), 'libsql': ('e', ''),
}
CSS = '''
    .page { fill: #ffffff } text { font: 12px system-ui, sans-serif; fill: #30343b }
    .title { font-size: 14px; font-weight: 600 } .grid { stroke: #d9dce1; stroke-width: 1 }
    .leader { stroke: #9aa0a8; stroke-width: .75; fill: none }
    path.line { fill: none; stroke-width: 1.75 } path.ck { stroke-width: 3 }
    .ck { stroke: #c2410c; fill: #c2410c } .recall { stroke: #a16207; fill: #a16207 }
    .a { stroke: #1d4ed8; fill: #1d4ed8 } .b { stroke: #0f766e; fill: #0f766e }
    .c { stroke: #7e22ce; fill: #7e22ce } .d { stroke: #be185d; fill: #be185d }
    .e { stroke: #4d7c0f; fill: #4d7c0f } text.label { stroke: none }
    @media (prefers-color-scheme: dark) {
        .page { fill: #14171c } text { fill: #d5d9df } .grid { stroke: #333941 }
        .ck { stroke: #fb923c; fill: #fb923c } .recall { stroke: #facc15; fill: #facc15 }
        .a { stroke: #7aa7ff; fill: #7aa7ff } .b { stroke: #2dd4bf; fill: #2dd4bf }
        .c { stroke: #c792f5; fill: #c792f5 } .d { stroke: #f472b6; fill: #f472b6 }
        .e { stroke: #a3e635; fill: #a3e635 }
    }'''


def read(path, machine):
    """{dataset: {queries: {system: [(recall, qps), …]}}}, and {dataset: commit} of ck."""
    sets, commits = {}, {}
    with open(path, encoding='utf-8', newline='') as file:
        for row in csv.DictReader(file):
            if row['machine'] != machine:
                continue
            panel = sets.setdefault(row['dataset'], {}).setdefault(row['queries'], {})
            panel.setdefault(row['system'], []).append((float(row['recall']), float(row['qps'])))
            if row['system'].startswith('ck'):
                commits[row['dataset']] = row['commit']
    return sets, commits


def visible(points):
    """The points within the axis, the last one the first that reaches its end."""
    kept = []
    for recall, qps in sorted(points, key=lambda point: (point[0], -point[1])):
        if recall < RECALL_MIN:
            continue
        kept.append((min(recall, RECALL_MAX), qps))
        if recall >= RECALL_MAX:
            break
    return kept


class Panel:
    """One drawing area, from QPS 10^low to 10^high."""

    def __init__(self, left, low, high):
        self.left, self.low, self.high, self.out = left, low, high, []

    def x(self, recall):
        first, last = -math.log10(1 - RECALL_MIN), -math.log10(1 - RECALL_MAX)
        return self.left + WIDTH * (-math.log10(1 - recall) - first) / (last - first)

    def y(self, qps):
        return TOP + HEIGHT * (self.high - math.log10(qps)) / (self.high - self.low)

    def add(self, text):
        self.out.append('    ' + text)

    def text(self, x, y, text, attributes=''):
        self.add(f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{escape(text)}</text>')

    def axes(self, title):
        bottom, right = TOP + HEIGHT, self.left + WIDTH
        self.text(self.left, TOP - 12, title)
        for recall in TICKS:
            x = self.x(recall)
            self.add(f'<path class="grid" d="M{x:.1f} {TOP}V{bottom}"/>')
            self.text(x, bottom + 18, f'{recall:g}'.lstrip('0'), 'text-anchor="middle"')
        ticks = [digit * 10 ** power for power in range(math.floor(self.low), 7)
                 for digit in (1, 2, 5)]
        for qps in ticks:
            if not self.low <= math.log10(qps) <= self.high:
                continue
            y = self.y(qps)
            self.add(f'<path class="grid" d="M{self.left} {y:.1f}H{right}"/>')
            self.text(self.left - 8, y + 4, f'{qps:,}', 'text-anchor="end"')
        self.text(self.left + WIDTH / 2, bottom + 40, 'recall@10', 'text-anchor="middle"')

    def curve(self, system, points):
        style, dashes = STYLES[system]
        places = [(self.x(recall), self.y(qps)) for recall, qps in points]
        if len(places) > 1:
            path = 'M' + 'L'.join(f'{x:.1f} {y:.1f}' for x, y in places)
            dash = f' stroke-dasharray="{dashes}"' if dashes else ''
            self.add(f'<path class="line {style}"{dash} d="{path}"/>')
        for x, y in places:
            radius = 2.2 if len(places) > 1 else 4
            self.add(f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"/>')
        return places[-1]

    def labels(self, ends):
        """ends: [(y, x, system)]. Names beside the panel, at least a line apart."""
        edge, places = self.left + WIDTH, []
        for y, x, system in sorted(ends):
            at = max(y, places[-1][0] + LABEL_HEIGHT) if places else y
            places.append((at, y, x, system))
        over = max(0, places[-1][0] - (TOP + HEIGHT)) if places else 0
        for at, y, x, system in places:
            at -= over
            self.add(f'<path class="leader" d="M{x + 4:.1f} {y:.1f}L{edge + 10:.1f} {at:.1f}"/>')
            self.text(edge + 14, at + 4, system, f'class="label {STYLES[system][0]}"')


def draw(dataset, panels, commit, machine):
    """The SVG of a data set."""
    shown = {name: {system: visible(points) for system, points in systems.items()}
             for name, systems in panels.items()}
    all_qps = [qps for systems in shown.values() for points in systems.values()
               for _, qps in points]
    low = math.floor(math.log10(min(all_qps)) * 2) / 2
    high = math.ceil(math.log10(max(all_qps)) * 2) / 2
    step = LEFT + WIDTH + RIGHT
    total_width, total_height = step * len(shown), TOP + HEIGHT + BOTTOM
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total_width} {total_height}" '
           f'width="{total_width}" height="{total_height}" role="img">',
           f'    <title>{escape(dataset)}: queries per second over recall</title>',
           f'    <style>{CSS}\n    </style>',
           f'    <rect class="page" width="{total_width}" height="{total_height}"/>',
           f'    <text class="title" x="{LEFT}" y="22">{escape(dataset)}: queries per second, '
           'one thread</text>',
           f'    <text x="{LEFT}" y="{total_height - 12}">{escape(machine)}, commit '
           f'{escape(commit)}</text>']
    for i, (name, systems) in enumerate(shown.items()):
        panel = Panel(LEFT + i * step, low, high)
        panel.axes(name)
        ends = []
        for system, points in systems.items():
            if points and system in STYLES:
                x, y = panel.curve(system, points)
                ends.append((y, x, system))
        panel.labels(ends)
        out += panel.out
    return '\n'.join(out + ['</svg>', ''])


def main():
    path, machine, folder = sys.argv[1:]
    sets, commits = read(path, machine)
    for dataset, panels in sets.items():
        svg = draw(dataset, panels, commits[dataset], machine)
        with open(f'{folder}/curves-{dataset}.svg', 'w', encoding='utf-8') as file:
            file.write(svg)
        print(f'written to {folder}/curves-{dataset}.svg')


main()

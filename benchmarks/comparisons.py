"""The comparisons that the command line offers: title, words, options and the function that runs each."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass

from benchmarks import (
    ablation,
    alarm_page,
    checkpoints,
    contestants,
    detectors,
    edge,
    explanations,
    fault_page,
    feedback,
    fleets,
    fuzz,
    grouped_tables,
    hostile,
    isolated,
    linearity,
    memory,
    messages,
    nslkdd,
    packets,
    pages,
    paper,
    regimes,
    related,
    scoring,
    sequences,
    shuttle,
    sizing,
    spark,
    threads,
    thresholders,
    wide,
)

__all__ = ["COMPARISONS", "OPTIONS", "Comparison"]

Arguments = argparse.Namespace


@dataclass(frozen=True)
class Comparison:
    """One comparison: the title of its page, what it is, what it runs, and which options it has.

    Attributes
    ----------
    title, text : str
        Heading of the page, and the command's help.
    run : callable
        From the arguments, among them ``page`` (the page that will be written, or None), to the sections.
    rows : int or None
        Default of ``--rows``; None for no such option.
    seeds : int or None
        Default of ``--seeds``; None for no such option.
    detectors : callable or None
        Returns the choices of ``--detectors``; None for no such option.
    options : str
        Names of further options, of `OPTIONS`.
    """

    title: str
    text: str
    run: Callable[[Arguments], pages.Sections]
    rows: int | None = None
    seeds: int | None = None
    detectors: Callable[[], Collection[str]] | None = None
    options: str = ""


OPTIONS: dict[str, Callable[[argparse.ArgumentParser], object]] = {
    "sets": lambda parser: parser.add_argument("--sets", nargs="+", metavar="NAME", help="only these"),
    "jobs": lambda parser: parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time"
    ),
    "fresh": lambda parser: parser.add_argument(
        "--fresh", action="store_true", help="run again what is stored"
    ),
    "quick": lambda parser: parser.add_argument(
        "--quick", action="store_true", help="a small size, two minutes at most"
    ),
    "sizes": lambda parser: parser.add_argument(
        "--sizes", nargs="+", type=int, help="numbers of rows (default: those of the page)"
    ),
    "spark_rows": lambda parser: parser.add_argument(
        "--spark-rows", type=int, help="larger tables are of one process alone (default: none are)"
    ),
    "files": lambda parser: parser.add_argument(
        "--files", type=int, default=fuzz.N_FILES, help="files of each kind (default 10,000)"
    ),
    "streams": lambda parser: parser.add_argument(
        "--streams", type=int, default=20, help="streams of each size (default 20)"
    ),
}

COMPARISONS = {
    "streams": Comparison(
        "Streams: ours and River's detectors",
        "ours and River's detectors, prequential",
        pages.streams,
        rows=60_000,
        seeds=3,
        detectors=lambda: detectors.STREAMS,
        options="sets jobs fresh",
    ),
    "tables": Comparison(
        "Tables: ours and PyOD's detectors",
        "ours and PyOD's detectors, unlabelled and with clean training rows",
        pages.tables,
        rows=10_000,
        detectors=lambda: detectors.TABLES,
        options="sets jobs fresh",
    ),
    "alarms": Comparison(
        "Alarms: false-alarm rates asked for and realised",
        "false-alarm rates asked for and realised, on normal streams",
        alarm_page.alarms,
        rows=60_000,
        detectors=lambda: detectors.NORMAL,
        options="sets jobs fresh",
    ),
    "faults": Comparison(
        "Sensor faults: one broken sensor of many",
        "one broken sensor of many, on made streams: ranking, alarms and reasons",
        fault_page.faults,
        seeds=1,
        detectors=lambda: detectors.FAULTS,
        options="quick jobs fresh",
    ),
    "fleets": Comparison(
        "Fleets of devices",
        "many devices in one stream: pooled, a model each, and the fleet; and what a device costs",
        lambda given: fleets.compare(given.seed, given.rows, given.quick),
        rows=4_500,
        options="quick",
    ),
    "groups": Comparison(
        "Tables of many devices",
        "many devices in one table: one model, the device as a column, and a model for each",
        lambda given: grouped_tables.compare(given.seed, given.rows, given.quick),
        rows=3_000,
        options="quick",
    ),
    "paper": Comparison(
        "The paper's experiment, on simulated streams",
        "the paper's experiment on simulated streams, beside the rows it compares itself with",
        paper.compare,
        detectors=lambda: contestants.CONTESTANTS,
        options="streams jobs fresh",
    ),
    "speed": Comparison(
        "Speed",
        "time of a row, of a fit, of scoring and of the command, in turns",
        pages.speed,
        detectors=lambda: [name for name in detectors.STREAMS if name not in isolated.PEERS],
        options="quick",
    ),
    "linearity": Comparison(
        "Tables: time and memory against rows",
        "time and memory of fit and score against rows",
        lambda given: linearity.compare(given.sizes or linearity.SIZES, given.seed, given.page),
        options="sizes",
    ),
    "wide": Comparison(
        "The command: time and memory against columns",
        "time and peak memory of iotae fit, score and stream against columns",
        lambda given: wide.compare(given.seed, wide.QUICK_SIZES if given.quick else wide.SIZES),
        options="quick",
    ),
    "packets": Comparison(
        "Packets that cannot be true",
        "faults of gateways in streams: which are found, by which reason, and how fast",
        lambda given: packets.compare(given.seed, given.quick),
        options="quick",
    ),
    "thresholders": Comparison(
        "The shape of scores: thresholders and probabilities",
        "F1 of PyThresh's thresholders on easy tables, and how right probabilities are",
        lambda given: thresholders.compare(given.seed, given.quick, given.page),
        options="quick",
    ),
    "checkpoint": Comparison(
        "Checkpoints: what it costs to lose nothing",
        "rows a second of the command with checkpoints and without, and its rows after kill -9",
        lambda given: checkpoints.compare(given.seed, given.quick),
        options="quick",
    ),
    "mqtt": Comparison(
        "Messages of a broker: none lost, none doubled",
        "messages of an MQTT broker at 2,000 a second for ten minutes, with kill -9 on the way",
        lambda given: messages.compare(given.seed, given.quick),
        options="quick",
    ),
    "scoring": Comparison(
        "Tables: what a row costs",
        "flops of scoring a row, and rows a second of processor time beside IForest and KNN",
        lambda given: scoring.compare(given.seed, given.quick),
        options="quick",
    ),
    "threads": Comparison(
        "One model in several threads",
        "rows a second that one model scores in one thread and in two",
        lambda given: threads.compare(given.seed, given.quick),
        options="quick",
    ),
    "edge": Comparison(
        "The edge: exported models and a decision tree",
        "ROC AUC, microseconds a row and bytes of what is exported to C and ONNX",
        lambda given: edge.compare(given.seed, given.quick),
        options="quick",
    ),
    "explanations": Comparison(
        "Explanations: which cell is broken, and what it should be",
        "broken cells of tables found and set right, ours beside z-scores, ECOD, PCA and a masked network",
        lambda given: explanations.compare(given.seed, given.quick),
        options="quick",
    ),
    "ablation": Comparison(
        "What each step is worth",
        "ours with one step removed or changed, on streams, sensor faults and tables",
        lambda given: ablation.compare(given.seeds),
        seeds=2,
    ),
    "nslkdd": Comparison(
        "NSL-KDD from the command line",
        "the command line on NSL-KDD as people have it",
        lambda given: ([nslkdd.compare(given.seed)], []),
    ),
    "related": Comparison(
        "Related systems on NSL-KDD: taught by attacks, and not",
        "supervised systems of related papers on NSL-KDD, by class and for attacks that were not shown",
        lambda given: (related.compare(given.seed), []),
    ),
    "shuttle": Comparison(
        "One detector, two hosts: NASA's Shuttle set",
        "one detector through both hosts on the Shuttle set, beside four peers",
        lambda given: ([shuttle.compare(given.seed, given.rows)], []),
        rows=10_000,
    ),
    "memory": Comparison(
        "Memory of a stream",
        "resident memory of a stream whose features come and go",
        lambda given: memory.compare(given.seed, given.rows, given.page and given.page.with_suffix(".png")),
        rows=5_000_000,
    ),
    "hostile": Comparison(
        "Hostile rows in a stream",
        "the ranking of real rows among ten thousand hostile ones",
        lambda given: hostile.compare(given.seed, given.rows),
        rows=60_000,
    ),
    "spark": Comparison(
        "Beyond one machine: Spark",
        "rows a second of tables and fleets on Spark in local mode, beside one process",
        lambda given: spark.compare(given.seed, given.quick, given.sizes, given.spark_rows),
        options="quick sizes spark_rows",
    ),
    "sizing": Comparison(
        "What a row and a device cost",
        "processor time and bytes of a row, a device and a fetch: what sizes are reckoned from",
        lambda given: sizing.compare(given.seed),
    ),
    "fuzz": Comparison(
        "Wrong files",
        "files of models, runs and rows with wrong contents, and what came of each",
        lambda given: fuzz.compare(given.seed, given.files),
        options="files",
    ),
    "sequences": Comparison(
        "Series: windows, and the controls they need",
        "detectors of windows on series: wrong hours, broken sensors and real series",
        lambda given: sequences.compare(given.seed, given.rows, given.quick),
        rows=3_000,
        options="quick",
    ),
    "regimes": Comparison(
        "Streams whose world changes",
        "shift, drift, day and night, a burst of attacks, slow poisoning",
        lambda given: regimes.compare(given.seed),
    ),
    "feedback": Comparison(
        "An operator's answers to alarms",
        "alarms left and anomalies lost where a simulated operator answers some alarms",
        lambda given: feedback.compare(given.seed),
    ),
}

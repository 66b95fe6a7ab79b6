"""Figures of the service for Prometheus. Numbers only: no name, no id."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from faceveil.server.job_index import JobIndex

TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """The counters of the service since its start, and the present numbers of jobs."""

    def __init__(self, hub: JobIndex) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Jobs(hub))
        self.accepted = Counter("faceveil_jobs_accepted", "Jobs accepted.", registry=self._registry)
        self.refused = Counter(
            "faceveil_files_refused", "Files refused before any work.", registry=self._registry
        )
        self.requests = Counter(
            "faceveil_requests", "Answers, by status.", ["status"], registry=self._registry
        )

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)


class _Jobs(Collector):
    def __init__(self, hub: JobIndex) -> None:
        self._hub = hub

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily("faceveil_jobs", "Jobs by state.", labels=["state"])
        for state, number in self._hub.states().items():
            family.add_metric([state], number)
        yield family

"""The list of near-duplicates."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from learning.services.cluster_list import LARGEST, count_bridges, largest_clusters
from organizations.models import Role
from organizations.permissions import page


@page(role=Role.MANAGER)
def cluster_list(request: HttpRequest) -> HttpResponse:
    """The largest clusters first."""
    context = {"clusters": largest_clusters(), "bridges": count_bridges(), "largest": LARGEST}
    return render(request, "learning/clusters.html", context)

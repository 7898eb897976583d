"""Layers: whose experiments exclude each other, and which range of buckets each gets at its start."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction

from experiments.bucketing import BUCKETS, buckets_of, percent_of
from experiments.models import Experiment, Layer
from experiments.models.experiments import LIVE
from experiments.services.names import named
from organizations import audit
from organizations.errors import Conflict, Refused
from organizations.identifiers import as_uuid


def find_layer(name: str) -> Layer | None:
    """A layer by its id or its name."""
    uuid = as_uuid(name)
    rows = Layer.objects.filter(pk=uuid) if uuid else Layer.objects.filter(name=name)
    return rows.first()


def create_layer(*, name: str, holdout: float = 0) -> Layer:
    """`holdout`: percent of the units that no experiment of it takes. Raises Refused, Conflict for a known name."""
    name, buckets = named(name, noun="layer"), _holdout(holdout)
    try:
        with transaction.atomic():
            layer = Layer.objects.create(name=name, holdout=buckets)
    except IntegrityError as error:
        raise Conflict(f"There is a layer {name!r} already.", "name") from error
    audit.record(action="layer.created", target=layer, after={"name": name, "holdout": layer.holdout_share})
    return layer


def update_layer(*, layer: Layer, name: str | None = None, holdout: float | None = None) -> Layer:
    """Raises Conflict for a new holdout while an experiment runs in the layer: it would let people in or drop them."""
    changes: dict[str, Any] = {} if name is None else {"name": named(name, noun="layer")}
    if holdout is not None:
        changes["holdout"] = _holdout(holdout)
    with transaction.atomic():
        layer = Layer.objects.select_for_update(no_key=True).get(pk=layer.pk)
        before = {key: getattr(layer, key) for key in changes}
        if changes.get("holdout", layer.holdout) != layer.holdout and _live_in(layer).exists():
            raise Conflict("An experiment runs in this layer. Its holdout can be changed when none does.", "holdout")
        for key, value in changes.items():
            setattr(layer, key, value)
        try:
            with transaction.atomic():
                layer.save()
        except IntegrityError as error:
            raise Conflict(f"There is a layer {name!r} already.", "name") from error
        audit.record(action="layer.changed", target=layer, before=before, after=changes)
    return layer


def take_range(experiment: Experiment) -> int | None:
    """Where the experiment's range of its layer starts; None without one. The layer stays locked in the transaction.

    Raises Conflict when there is no range of its size left.
    """
    if experiment.layer_id is None:
        return None
    layer = Layer.objects.select_for_update(no_key=True).get(pk=experiment.layer_id)
    taken = _live_in(layer).order_by("layer_start").values_list("layer_start", "layer_buckets")
    gaps = list(_gaps(layer.holdout, ((start, start + size) for start, size in taken if start is not None)))
    for start, end in gaps:
        if end - start >= experiment.layer_buckets:
            return start
    most = max((end - start for start, end in gaps), default=0)
    raise Conflict(
        f"Layer {layer.name!r} has {percent_of(most):g} % left in one piece; this experiment takes"
        f" {experiment.layer_share:g} %. Take a smaller share of the layer, or end another experiment first.",
        "layer_id",
    )


def free_share(layer: Layer) -> float:
    """Percent of the layer that neither the holdout nor a live experiment takes."""
    return percent_of(BUCKETS - layer.holdout - sum(_live_in(layer).values_list("layer_buckets", flat=True)))


def _live_in(layer: Layer) -> Any:
    return Experiment.objects.filter(layer=layer, status__in=LIVE)


def _gaps(begin: int, taken: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    for start, end in taken:
        if start > begin:
            yield begin, start
        begin = max(begin, end)
    if begin < BUCKETS:
        yield begin, BUCKETS


def _holdout(share: float) -> int:
    try:
        buckets = buckets_of(share)
    except ValueError as error:
        raise Refused(f"Impossible holdout: {error}.", "holdout") from error
    if buckets >= BUCKETS:
        raise Refused("A holdout of everybody leaves nobody to experiment with.", "holdout")
    return buckets

"""Rules: the list, the form, what a rule would have made, switching it, applying it to past data."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render

from learning.models import ExampleRule
from learning.pages.rule_forms import DaysForm, RuleForm
from learning.pages.rule_words import describe_conditions
from learning.services import example_rules
from learning.services.rule_jobs import apply_to_past
from learning.services.rule_preview import count_made, preview_rule
from learning.waking import wake_for_job
from organizations.errors import Refused
from organizations.models import Role
from organizations.permissions import page

ON = "It looks at what comes in from now on."
OFF = "It makes no more examples. Those that it made stay."


@page(role=Role.MANAGER)
def rule_list(request: Any) -> HttpResponse:
    """All rules in the order in which they decide."""
    rules = list(ExampleRule.objects.select_related("agent").order_by("position", "id")[: example_rules.MOST_RULES])
    made = count_made(rules)
    known = {rule.name for rule in rules}
    usual = any(name not in known for name, *_ in example_rules.STANDARD)
    listed = [(rule, made.get(rule.pk, 0), describe_conditions(rule.conditions)) for rule in rules]
    context = {"rules": listed, "usual": usual}
    return render(request, "learning/rules.html", context)


@page(role=Role.MANAGER, methods=("POST",))
def rule_standard(request: Any) -> HttpResponse:
    """The usual rules, switched off."""
    made = example_rules.add_standard_rules(user=request.user)
    messages.success(request, f"{len(made)} rules were added. Each is off until you switch it on.")
    return redirect("rules")


@page(role=Role.MANAGER, methods=("GET", "POST"))
def rule_new(request: Any) -> HttpResponse:
    form = RuleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            rule = example_rules.create_rule(**form.values(), user=request.user)
        except Refused as error:
            _complain(form, error)
        else:
            messages.success(request, "The rule is off. Look below at what it would have made, then switch it on.")
            return redirect("rule", rule_id=rule.pk)
    return render(request, "learning/rule.html", {"form": form})


@page(role=Role.MANAGER, methods=("GET", "POST"))
def rule_detail(request: Any, rule_id: UUID) -> HttpResponse:
    """The rule and its form; with `days` in the address, what it would have made in them."""
    rule = _find(rule_id)
    form = RuleForm(request.POST or None, rule=rule)
    if request.method == "POST" and form.is_valid():
        try:
            example_rules.change_rule(rule=rule, **form.values())
        except Refused as error:
            _complain(form, error)
        else:
            messages.success(request, "The change holds from now on. Examples that were made already stay.")
            return redirect("rule", rule_id=rule.pk)
    days = DaysForm(request.GET if "days" in request.GET else None)
    preview = None
    if days.is_bound and days.is_valid():
        try:
            preview = preview_rule(rule=rule, **days.cleaned_data)
        except Refused as error:
            messages.error(request, error.message)
    made = count_made([rule]).get(rule.pk, 0)
    context = {"form": form, "rule": rule, "days": days, "preview": preview, "made": made}
    return render(request, "learning/rule.html", context)


@page(role=Role.MANAGER, methods=("POST",))
def rule_switch(request: Any, rule_id: UUID) -> HttpResponse:
    """On or off."""
    active = request.POST.get("active") == "on"
    rule = example_rules.switch_rule(rule=_find(rule_id), active=active)
    messages.success(request, f"{rule.name} is {'on' if active else 'off'}. {ON if active else OFF}")
    return redirect("rule", rule_id=rule.pk)


@page(role=Role.MANAGER, methods=("POST",))
def rule_apply(request: Any, rule_id: UUID) -> HttpResponse:
    """A job that makes the examples which the rule would have made."""
    rule, form = _find(rule_id), DaysForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say how many days back: 1 to 365.")
        return redirect("rule", rule_id=rule.pk)
    job = apply_to_past(rule=rule, days=form.cleaned_data["days"], user=request.user)
    wake_for_job(job)
    return redirect("job", job_id=job.pk)


def _find(rule_id: UUID) -> ExampleRule:
    rule = ExampleRule.objects.filter(pk=rule_id).first()
    if rule is None:
        raise Http404("There is no such rule in this organization.")
    return rule


def _complain(form: RuleForm, error: Refused) -> None:
    form.add_error(error.field if error.field in form.fields else None, error.message)

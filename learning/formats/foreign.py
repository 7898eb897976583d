"""Records of other systems in our words: their meaning, whatever the file they came in. Pure.

OpenAI's fine-tuning files: platform.openai.com/docs/guides/supervised-fine-tuning and /direct-preference-optimization.
TRL: huggingface.co/docs/trl/dataset_formats. Label Studio: labelstud.io/guide/export, format JSON.
Langfuse: the dataset items of its public API and exports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from learning.formats.bounds import BadRow
from learning.formats.chats import answer_in, check_turns, split_question
from learning.formats.rows import ENCODER, FIELDS

Meaning = Callable[[Mapping[str, Any]], dict[str, Any]]
INPUTS = ("text", "input", "input_text", "prompt", "question")
USERS = ("user_id", "userId")


def read_chat(record: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAI's chat, which is TRL's conversational supervised fine-tuning too: the last turn is the answer."""
    turns = check_turns(record.get("messages"), "messages")
    if not turns:
        raise BadRow("messages is empty", "messages")
    asked = split_question(turns[:-1], "messages (before the answer)")
    return _carried(record) | asked | {"expected_output": answer_in(turns[-1:], "messages (the last)")}


def read_prompt_completion(record: Mapping[str, Any]) -> dict[str, Any]:
    """TRL's conversational prompt and completion."""
    asked = split_question(record.get("prompt"), "prompt")
    return _carried(record) | asked | {"expected_output": answer_in(record.get("completion"), "completion")}


def read_openai_dpo(record: Mapping[str, Any]) -> dict[str, Any]:
    """A question with the preferred and the other answer."""
    given = record.get("input")
    if not isinstance(given, dict):
        raise BadRow("input is no JSON object", "input")
    answers = {
        "expected_output": answer_in(record.get("preferred_output"), "preferred_output"),
        "rejected_output": answer_in(record.get("non_preferred_output"), "non_preferred_output"),
    }
    asked = split_question(given.get("messages"), "input.messages")
    return _carried(record) | asked | answers | {"example_type": "preference"}


def read_trl_preference(record: Mapping[str, Any]) -> dict[str, Any]:
    """prompt, chosen and rejected, each a list of turns."""
    answers = {
        "expected_output": answer_in(record.get("chosen"), "chosen"),
        "rejected_output": answer_in(record.get("rejected"), "rejected"),
    }
    return _carried(record) | split_question(record.get("prompt"), "prompt") | answers | {"example_type": "preference"}


def read_trl_kto(record: Mapping[str, Any]) -> dict[str, Any]:
    """A question, an answer, and whether it is a good one."""
    label, said = record.get("label"), answer_in(record.get("completion"), "completion")
    if not isinstance(label, bool):
        raise BadRow("label must be true or false", "label")
    judged = {"example_type": "positive", "expected_output": said}
    if not label:
        judged = {"example_type": "negative", "original_output": said}
    return _carried(record) | split_question(record.get("prompt"), "prompt") | judged


def read_label_studio(record: Mapping[str, Any]) -> dict[str, Any]:
    """A task with what the annotator wrote or chose: the ground truth, or else the newest annotation."""
    data, annotations = record.get("data"), record.get("annotations")
    if not isinstance(data, dict) or not isinstance(annotations, list):
        raise BadRow("it is no task of Label Studio: it needs data and annotations")
    made = [one for one in annotations if isinstance(one, dict) and not one.get("was_cancelled")]
    if not made:
        raise BadRow("nobody annotated this task", "annotations")
    chosen = max(made, key=lambda one: (bool(one.get("ground_truth")), str(one.get("updated_at") or "")))
    asked = next((data[name] for name in INPUTS if isinstance(data.get(name), str)), None)
    if asked is None:
        raise BadRow(f"data names no text: one of {', '.join(INPUTS)}", "data")
    original = next((data[name] for name in ("output", "answer", "response") if isinstance(data.get(name), str)), "")
    number = record.get("id")
    return {
        "external_id": f"label-studio:{number}" if number is not None else "",
        "input_text": asked,
        "original_output": original,
        "expected_output": _label_studio_answer(chosen.get("result")),
        "user_id": _user_in(data),
    }


def read_langfuse(record: Mapping[str, Any]) -> dict[str, Any]:
    """An item of a dataset. What is no text becomes its JSON."""
    if "traceId" in record or "dataType" in record:
        raise BadRow("this is a score, which is feedback: manage.py import_feedback --from langfuse takes it")
    if record.get("status") == "ARCHIVED":
        raise BadRow("the item is archived", "status")
    expected = record.get("expectedOutput", record.get("expected_output"))
    asked = _langfuse_input(record.get("input"))
    if expected is None:
        raise BadRow("the item has no expected output", "expectedOutput")
    metadata = record.get("metadata")
    context = asked.pop("input_context", {}) | (metadata if isinstance(metadata, dict) else {})
    number = record.get("id")
    return asked | {
        "external_id": f"langfuse:{number}" if number else "",
        "expected_output": _as_text(expected),
        "input_context": context,
        "user_id": _user_in(metadata),
    }


def _carried(record: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of ours that stand beside the format's own; a user may be named in its metadata too."""
    named = {"external_id": record.get("id") if isinstance(record.get("id"), str) else ""}
    given = named | {name: record[name] for name in FIELDS if name in record}
    return given | {"user_id": _user_in(record) or _user_in(record.get("metadata"))}


def _user_in(place: Any) -> Any:
    """Who is named there as the user, as it stands; "" for nobody."""
    named = [place.get(name) for name in USERS] if isinstance(place, Mapping) else []
    return next((one for one in named if one not in (None, "")), "")


def _label_studio_answer(result: Any) -> str:
    """What was written, or what was chosen."""
    texts: list[str] = []
    for part in result if isinstance(result, list) else []:
        value = part.get("value") if isinstance(part, dict) else None
        if not isinstance(value, dict):
            continue
        for name in ("text", "choices"):
            said = value.get(name)
            if part.get("type") in ("textarea", "choices") and said:
                texts += [said] if isinstance(said, str) else [str(one) for one in said]
    if not texts:
        raise BadRow("the annotation writes no text and chooses nothing", "annotations")
    return "\n".join(texts)


def _langfuse_input(value: Any) -> dict[str, Any]:
    """A text, a chat, or anything as its JSON."""
    turns = value.get("messages") if isinstance(value, dict) else value
    if isinstance(turns, list) and turns and all(isinstance(turn, dict) and "role" in turn for turn in turns):
        return split_question(turns, "input")
    if value is None:
        raise BadRow("the item has no input", "input")
    return {"input_text": _as_text(value)}


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and len(value) == 1 and isinstance(only := next(iter(value.values())), str):
        return only
    return ENCODER.encode(value)

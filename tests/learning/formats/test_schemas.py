import json
from typing import Any

import jsonschema
import pytest

from learning.formats.schemas import LINES, SCHEMAS, Malformed, encode_line

ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Größe? 😀"}]
SAID = [{"role": "assistant", "content": "Gut"}]
EVERYTHING: dict[str, Any] = dict.fromkeys(SCHEMAS["jsonl"]["$defs"]["Ours"]["properties"], "text") | {
    "example_type": "correction", "source_type": "import", "split": "train", "complexity": None, "tags": ["a"],
    "quality_score": 0.5, "weight": 1, "input_context": {"deep": [{"number": 10**30, "none": None}]},
}  # fmt: skip
GOOD: dict[str, dict[str, Any]] = {
    "jsonl": EVERYTHING,
    "openai-chat": {"messages": ASKED + SAID},
    "openai-dpo": {"input": {"messages": ASKED}, "preferred_output": SAID, "non_preferred_output": SAID},
    "trl-sft": {"prompt": ASKED, "completion": SAID},
    "trl-preference": {"prompt": ASKED, "chosen": SAID, "rejected": SAID},
    "trl-kto": {"prompt": ASKED, "completion": SAID, "label": False},
}
EMPTY = [{"role": "assistant", "content": ""}]
BAD: list[tuple[str, dict[str, Any]]] = [
    ("jsonl", {"example_type": "invented"}),
    ("jsonl", {"split": "sealed"}),
    ("jsonl", {"input_text": ""}),
    ("jsonl", {"input_text": None}),
    ("jsonl", {"weight": "1"}),
    ("jsonl", {"complexity": 1.5}),
    ("jsonl", {"complexity": True}),
    ("jsonl", {"tags": [1]}),
    ("jsonl", {"input_context": []}),
    ("jsonl", {"more": "x"}),
    ("openai-chat", {"messages": SAID}),
    ("openai-chat", {"messages": [{"role": "robot", "content": "x"}, *SAID]}),
    ("openai-dpo", {"input": {"messages": []}}),
    ("openai-dpo", {"preferred_output": SAID + SAID}),
    ("openai-dpo", {"non_preferred_output": ASKED}),
    ("trl-sft", {"completion": EMPTY}),
    ("trl-preference", {"chosen": []}),
    ("trl-kto", {"label": 1}),
]


@pytest.mark.parametrize("name", LINES)
def test_a_good_line_is_written_as_it_is_and_another_reader_of_its_schema_takes_it(name: str) -> None:
    line = json.loads(encode_line(name, GOOD[name]))
    assert line == GOOD[name]
    jsonschema.validate(line, SCHEMAS[name])


@pytest.mark.parametrize(("name", "changed"), BAD, ids=str)
def test_a_line_that_its_schema_refuses_is_not_written(name: str, changed: dict[str, Any]) -> None:
    line = GOOD[name] | changed
    with pytest.raises(Malformed, match=name):
        encode_line(name, line)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(line, SCHEMAS[name])


@pytest.mark.parametrize("name", LINES)
def test_a_line_without_one_of_its_fields_is_not_written(name: str) -> None:
    for field in GOOD[name]:
        with pytest.raises(Malformed):
            encode_line(name, {key: value for key, value in GOOD[name].items() if key != field})

"""The ablation's edits: each finds its text in the product, and changes what it says."""

import ast

import pytest

from benchmarks import ablation, datasets

VARIANTS = {**ablation.STREAM_EDITS, **ablation.TABLE_EDITS}


@pytest.mark.parametrize("name", VARIANTS)
def test_each_edit_finds_its_text_and_leaves_python(name, tmp_path):
    ablation.apply(VARIANTS[name], tmp_path)
    for room in VARIANTS[name]:
        edited = (tmp_path / "iotae" / f"{room}.py").read_text()
        ast.parse(edited)
        assert edited != (datasets.ROOT / "iotae" / f"{room}.py").read_text()


def test_an_edit_whose_text_is_gone_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"Got no .no such text. in update_gate\.py"):
        ablation.apply({"stream/update_gate": [("no such text", "")]}, tmp_path)

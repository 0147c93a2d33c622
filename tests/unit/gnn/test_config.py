"""Settings: known names, converted values, clear refusals."""

import pytest

from gnn.config import Config, from_mapping, from_settings
from gnn.errors import BadConfig


def test_texts_become_values_of_the_field():
    config = from_settings(["heads=2", "learning_rate=1e-3", "purchase_power=no", "attention=context+content"])
    assert (config.heads, config.learning_rate, config.purchase_power) == (2, 1e-3, False)
    assert config.attention_kinds() == ("content", "context")
    assert Config(attention="uniform").attention_kinds() == ()


def test_a_config_survives_its_own_dictionary():
    config = Config(heads=4, fusion="sum")
    assert from_mapping(config.as_dict()) == config


def test_an_unknown_setting_is_refused_with_the_nearest_name():
    with pytest.raises(BadConfig, match="Did you mean learning_rate") as caught:
        from_settings(["lerning_rate=1"])
    assert caught.value.nearest == "learning_rate"
    assert "fusion" in caught.value.known


def test_kinds_of_batches_are_named_where_one_is_misspelt():
    with pytest.raises(BadConfig, match="auto, kept, sampled"):
        from_settings(["batches=keep"])


@pytest.mark.parametrize(
    "text",
    [
        "heads",
        "heads=two",
        "heads=1.5",
        "heads=0",
        "fusion=magic",
        "attention=love",
        "time=perhaps",
        "learning_rate=nan",
        "batches=some",
        "history_sample=-1",
        "history_sample=few",
        "kept_gb=-1",
        "loader_workers=1000",
    ],
)
def test_impossible_values_are_refused(text: str):
    with pytest.raises(BadConfig, match=text.partition("=")[0]):
        from_settings([text])

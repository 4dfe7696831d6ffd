"""Every bad input of every type, asked for through a kind: refused at its field and for its reason."""

from dataclasses import replace
from typing import Any, cast

import pytest
from tests.rules.values.ask import TODAY, field
from tests.rules.values.test_bad import BAD, FIELDS

from changedesk import kinds
from changedesk.kinds import ManyBad
from changedesk.rules.fields import Catalogue, Field, FieldType
from changedesk.rules.values.reasons import REASONS

KIND = kinds.find("service_preferences")


@pytest.mark.parametrize("asked", list(BAD), ids=str)
def test_a_request_with_a_bad_value_is_refused_at_that_field_and_says_what_to_do(asked: Any) -> None:
    item = FIELDS.get(asked) or field(FieldType(asked))
    good = field(FieldType.BOOLEAN, "some.good")
    catalogue = Catalogue.of([*(_of(KIND.name, one) for one in (item, good))])
    for raw, reason in BAD[asked]:
        with pytest.raises(ManyBad) as caught:
            kinds.changes(KIND, catalogue, {}, {item.path: raw, good.path: "yes"}, region="GB", today=TODAY)
        (told,) = cast("list[dict[str, str]]", caught.value.data["errors"])
        assert (told["pointer"].split("/")[1], told["code"], told["reason"]) == (item.path, "bad-value", reason), raw
        assert told["detail"] == REASONS[reason]["en"]


def _of(kind: str, item: Field) -> Field:
    return replace(item, kind=kind)

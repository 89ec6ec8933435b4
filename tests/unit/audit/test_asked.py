"""What may be asked of the audit over the API."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from reliability.audit.api import ActivityQuery


@pytest.mark.parametrize("instant", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
@pytest.mark.parametrize("field", ["since", "until"])
def test_an_instant_that_utc_has_no_year_for_is_refused(field: str, instant: str) -> None:
    with pytest.raises(ValidationError):
        ActivityQuery.model_validate({field: instant})

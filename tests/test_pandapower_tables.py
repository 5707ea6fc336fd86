"""The tests' shorter way to an empty net gives what pandapower gives."""

from __future__ import annotations

import pandapower as pp
import pandas as pd
import pytest
from pandapower.auxiliary import pandapowerNet
from pandapower.create import create_empty_network


@pytest.mark.parametrize("with_types", [True, False])
def test_tables_that_are_copied_are_those_of_pandapower(
    monkeypatch: pytest.MonkeyPatch, with_types: bool
) -> None:
    pp.create_bus(create_empty_network(), 0.4)  # what is written into one net is in no other
    copied = create_empty_network(add_stdtypes=with_types)
    assert pandapowerNet.create_dataframes != pandapowerNet.tables_made_anew
    monkeypatch.setattr(pandapowerNet, "create_dataframes", pandapowerNet.tables_made_anew)
    anew = create_empty_network(add_stdtypes=with_types)
    assert list(copied) == list(anew)
    for name, table in anew.items():
        if isinstance(table, pd.DataFrame):
            pd.testing.assert_frame_equal(copied[name], table, check_exact=True)
            assert copied[name].index.dtype == table.index.dtype
        else:
            assert copied[name] == table

"""Everything that takes longer than a second: data sets, fitting, planning, evaluation, simulation."""

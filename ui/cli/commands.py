"""All commands, one line each: what they do lives in the modules beside this one."""

from __future__ import annotations

import typer

from ui.cli import (
    answers,
    doctor,
    evaluating,
    interview,
    iterating,
    learning,
    pictures,
    planning,
    predicting,
    retraining,
    serve,
)

app = typer.Typer(
    name="kallisti",
    help="A preference interviewer: it asks which is prettier and learns your taste.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("serve")(serve.serve)
app.command("interview")(interview.interview)
app.command("index")(pictures.index)
app.command("rank")(pictures.rank)
app.command("train")(learning.train)
app.command("retrain")(retraining.retrain)
app.command("evaluate")(evaluating.evaluate)
app.command("plan")(planning.plan)
app.command("iterate")(iterating.iterate)
app.command("predict")(predicting.predict)
app.command("raters")(answers.raters)
app.command("export")(answers.export)
app.command("import")(answers.import_)
app.command("erase")(answers.erase)
app.command("doctor")(doctor.doctor)

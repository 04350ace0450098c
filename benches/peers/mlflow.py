"""MLflow: its tracking calls on a local SQLite database."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from benches.peers.contract import RUN, Calls, Tool


class MLflow(Tool):
    """It has no histogram."""

    name = "mlflow"
    title = "MLflow"
    statement = "import mlflow"
    packages = ("mlflow",)
    processes = "a transaction a call on one database"

    def open(self, folder: Path) -> Calls:
        """A run in a database of the folder."""
        mlflow: Any = import_module("mlflow")
        folder.mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
        mlflow.create_experiment("bench", artifact_location=(folder / "artifacts").as_uri())
        mlflow.set_experiment("bench")
        mlflow.start_run(run_name=RUN)
        return Calls(
            lambda tag, value, step: mlflow.log_metric(tag, value, step=step),
            mlflow.end_run,
            image=lambda array, step: mlflow.log_image(array.transpose(1, 2, 0), key="image", step=step),
            text=lambda words, step: mlflow.log_text(words, f"text/{step}.txt"),
        )

    def count(self, folder: Path) -> int:
        """By its client."""
        client = import_module("mlflow").MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
        runs = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
        return sum(len(client.get_metric_history(run.info.run_id, tag)) for run in runs for tag in run.data.metrics)


TOOL = MLflow()

"""Times penaltyblog's fits on the matches that ours were timed on, and prints the ratios.

    python models.py FOLDER      where `peer_models` wrote its files
"""

import csv
import json
import statistics
import sys
import time
from pathlib import Path

import penaltyblog

PEERS = {
    "poisson": "PoissonGoalsModel",
    "dixon_coles": "DixonColesGoalModel",
    "bivariate_poisson": "BivariatePoissonGoalModel",
    "negative_binomial": "NegativeBinomialGoalModel",
    "zero_inflated_poisson": "ZeroInflatedPoissonGoalsModel",
    "weibull_copula": "WeibullCopulaGoalsModel",
}
# Each is repeated until this many seconds have passed, thrice at the least.
SECONDS = 2.0


def columns(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    goals = [[int(row[name]) for row in rows] for name in ("home_goals", "away_goals")]
    teams = [[row[name] for row in rows] for name in ("home", "away")]
    return *goals, *teams


def time_fit(make, data):
    took, spent = [], 0.0
    while len(took) < 3 or spent < SECONDS:
        start = time.perf_counter()
        model = make(*data)
        model.fit()
        took.append(time.perf_counter() - start)
        spent += took[-1]
    return statistics.median(took) * 1e3, model.loglikelihood


def main(folder):
    ours = json.loads((folder / "marabet.json").read_text())
    print(f"{'model':24}{'matches':>8}{'marabet':>12}{'penaltyblog':>14}{'ratio':>9}"
          f"{'log-lik.':>13}{'theirs':>13}")
    for row in ours:
        make = getattr(penaltyblog.models, PEERS.get(row["model"], ""), None)
        if make is None:
            continue
        median, log_likelihood = time_fit(make, columns(folder / f"matches_{row['matches']}.csv"))
        print(f"{row['model']:24}{row['matches']:>8}{row['median_ms']:>9.3f} ms{median:>11.1f} ms"
              f"{median / row['median_ms']:>8.0f}x{row['log_likelihood']:>13.3f}"
              f"{log_likelihood:>13.3f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

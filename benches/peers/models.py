"""Times penaltyblog's fits and prices on what ours were timed on, and prints the ratios.

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
ODDS = [2.7, 2.3, 4.4]
# Each is repeated until this many seconds have passed, thrice at the least.
SECONDS = 2.0


def columns(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    goals = [[int(row[name]) for row in rows] for name in ("home_goals", "away_goals")]
    teams = [[row[name] for row in rows] for name in ("home", "away")]
    return *goals, *teams


def median_seconds(call):
    took, spent = [], 0.0
    while len(took) < 3 or spent < SECONDS:
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
        spent += took[-1]
    return statistics.median(took)


def fits(folder):
    print(f"{'model':24}{'matches':>8}{'marabet':>12}{'penaltyblog':>14}{'ratio':>9}"
          f"{'log-lik.':>13}{'theirs':>13}")
    for row in json.loads((folder / "marabet.json").read_text()):
        make = getattr(penaltyblog.models, PEERS.get(row["model"], ""), None)
        if make is None:
            continue
        data = columns(folder / f"matches_{row['matches']}.csv")
        fitted = []

        def fit():
            model = make(*data)
            model.fit()
            fitted[:] = [model]

        median = median_seconds(fit) * 1e3
        print(f"{row['model']:24}{row['matches']:>8}{row['median_ms']:>9.3f} ms{median:>11.1f} ms"
              f"{median / row['median_ms']:>8.0f}x{row['log_likelihood']:>13.3f}"
              f"{fitted[0].loglikelihood:>13.3f}")


def price_match():
    """1X2, totals and handicaps on the 25 lines each that our board holds."""
    grid = penaltyblog.models.create_dixon_coles_grid(1.6, 1.1, -0.05)
    prices = [grid.home_win, grid.draw, grid.away_win]
    prices += [grid.totals(0.5 + quarter / 4) for quarter in range(25)]
    prices += [grid.asian_handicap_probs("home", -3 + quarter / 4) for quarter in range(25)]
    return prices


def prices(folder):
    print(f"\n{'price':32}{'marabet':>12}{'penaltyblog':>14}{'ratio':>9}")
    for row in json.loads((folder / "marabet_prices.json").read_text()):
        what = row["what"]
        if what == "prices":
            call, title = price_match, "1X2, 25 totals, 25 handicaps"
        else:
            def call(method=what):
                return penaltyblog.implied.calculate_implied(ODDS, method=method)
            title = f"de-vig, {what}"
        median = median_seconds(call) * 1e6
        print(f"{title:32}{row['median_us']:>9.3f} us{median:>11.1f} us"
              f"{median / row['median_us']:>8.0f}x")


if __name__ == "__main__":
    fits(Path(sys.argv[1]))
    prices(Path(sys.argv[1]))

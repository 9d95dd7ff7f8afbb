//! `marabet odds …`

use crate::support::{close, file, json, marabet, text};

/// The answer to a command line of words with a space between each two.
fn odds(words: &str) -> serde_json::Value {
    json(marabet().arg("odds").args(words.split(' ')))
}

#[test]
fn every_method_takes_a_margin_out_and_puts_it_back() {
    for method in [
        "multiplicative",
        "additive",
        "power",
        "shin",
        "odds-ratio",
        "logarithmic",
        "differential-margin",
        "goto",
    ] {
        let fair = odds(&format!("devig --method {method} 2.7 2.3 4.4"));
        let p: Vec<String> =
            fair["probabilities"].as_array().unwrap().iter().map(ToString::to_string).collect();
        let margin = &fair["margin"];
        let again = odds(&format!("price --method {method} --margin {margin} {}", p.join(" ")));
        for (place, wanted) in [2.7, 2.3, 4.4].into_iter().enumerate() {
            close(&again["odds"][place], wanted, 1e-9);
        }
    }
}

#[test]
fn two_of_three_may_win_and_an_exchange_may_sum_below_one() {
    let double_chance = odds("devig --method power --target 2 1.25 1.3 1.6");
    let sum: f64 = double_chance["probabilities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p.as_f64().unwrap())
        .sum();
    assert!((sum - 2.0).abs() < 1e-12, "{double_chance}");
    let exchange = odds("devig --method shin 2.02 3.9 4.6");
    assert!(exchange["margin"].as_f64().unwrap() < 0.0 && exchange["z"].as_f64().unwrap() < 0.0);
}

#[test]
fn stakes_on_outcomes_that_exclude_each_other_are_those_that_penaltyblog_prints() {
    // penaltyblog, docs/betting/bet_size.rst
    let stakes = odds("kelly --exclusive --odds 2.5 3.2 2.8 --p 0.55 0.25 0.2");
    for (place, printed) in [0.2717, 0.0326, 0.0].into_iter().enumerate() {
        close(&stakes["stakes"][place], printed, 5e-5);
    }
    close(&stakes["log_growth"], 0.046_783, 5e-7);
    // Half of it grows more slowly, and says by how much.
    let half = odds("kelly --exclusive --fraction 0.5 --odds 2.5 3.2 2.8 --p 0.55 0.25 0.2");
    let growth = half["log_growth"].as_f64().unwrap();
    assert!(growth > 0.0 && growth < 0.046_783, "{half}");
}

#[test]
fn stakes_at_the_same_time_keep_to_their_cap_and_grow() {
    let stakes = odds("kelly --cap 0.1 --bankroll 2000 --odds 2.1 3.0 --p 0.55 0.4");
    let (first, second) = (&stakes["stakes"][0], &stakes["stakes"][1]);
    close(&serde_json::json!(first.as_f64().unwrap() + second.as_f64().unwrap()), 0.1, 1e-9);
    close(&stakes["amounts"][0], 2000.0 * first.as_f64().unwrap(), 1e-9);
    assert!(stakes["log_growth"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_bet_that_may_be_half_won_is_staked_by_its_five_outcomes() {
    // ln(1 + s) to win, ln(1 + s/2) to win half, ln(1 − s) to lose: the best s by hand.
    let stakes = odds("kelly --odds 2.0 --outcomes 0.4 0.2 0.1 0.0 0.3");
    let s = stakes["stake"].as_f64().unwrap();
    let slope = 0.4 / (1.0 + s) + 0.1 / (1.0 + s / 2.0) - 0.3 / (1.0 - s);
    assert!(slope.abs() < 1e-9, "{s}");
    close(&stakes["ev"][0], 0.2, 1e-12);
}

#[test]
fn plain_stakes_arbitrage_hedge_and_lay_are_calculated() {
    close(&odds("stake flat --amount 10 --bankroll 4")["stake"], 4.0, 1e-12);
    close(&odds("stake proportional --fraction 0.02 --bankroll 1000")["stake"], 20.0, 1e-12);
    close(&odds("stake target --profit 100 --odds 3.5")["stake"], 40.0, 1e-12);
    // penaltyblog, docs/betting
    let books = "arbitrage --book 2.8,3.5,3.1 --book 3.1,3.4,2.9 --book 3.0,3.2,3.0";
    let sure = odds(books);
    close(&sure["return"], 0.074_257_4, 1e-6);
    assert_eq!(sure["books"], serde_json::json!([2, 1, 1]));
    let dear = odds("arbitrage --book 2.1,1.8 --book 1.8,1.92:0.05");
    assert_eq!(dear["exists"], false, "commission takes it away");
    let hedged = odds("hedge --stakes 0 0 25 --placed 1.5 4 6 --odds 2.5 3.5 3");
    close(&hedged["stakes"][0], 60.0, 0.005);
    close(&hedged["stakes"][1], 42.86, 0.005);
    close(&hedged["sure_profit"], 22.14, 0.005);
    let lay = odds("lay --stake 100 --odds 3 --lay-odds 2.5 --commission 0.05");
    let lost = lay["lay_stake"].as_f64().unwrap() * 0.95 - 100.0;
    close(&lay["sure_profit"], lost, 1e-9);
}

#[test]
fn opinions_are_put_together() {
    let median = odds("consensus --method multiplicative --book 2,2 --book 1.5,3 --book 3,1.5");
    close(&median["probabilities"][0], 0.5, 1e-12);
    let weighted = "consensus --method multiplicative --rule weighted --weights 3 1 --book 2,2 --book 4,1.3333333333333333";
    close(&odds(weighted)["probabilities"][0], 0.4375, 1e-9);
    let blend = odds("blend --model 0.6 0.4 --market 0.4 0.6 --weight 0.5");
    close(&blend["probabilities"][0], 0.5, 1e-12);
}

#[test]
fn closing_line_value_is_priced_anew_where_the_line_moved() {
    let plain = odds("clv --odds 2.1 --bet 1x2:home --closing 2 3.5 4 --method multiplicative");
    let p = (1.0 / 2.0) / (1.0 / 2.0 + 1.0 / 3.5 + 1.0 / 4.0);
    close(&plain["clv"], 2.1 * p - 1.0, 1e-12);
    assert_eq!(plain["repriced"], false);
    let moved = "clv --odds 2.0 --bet ah@-0.25:home --market ah@-0.5 --closing 2 2 --means 1.5 1.2";
    let moved = odds(moved);
    // Half the stake comes back where −0.5 loses on a draw.
    assert!(moved["repriced"] == true && moved["clv"].as_f64().unwrap() > 0.05, "{moved}");
}

#[test]
fn a_slate_keeps_to_the_caps_of_match_day_and_whole() {
    let folder = tempfile::tempdir().unwrap();
    let slate = file(
        folder.path(),
        "slate.csv",
        "day,match,lambda,mu,rho,bet,odds\n\
         2024-08-16,A v B,1.8,1.0,-0.05,1x2:home,2.2\n\
         2024-08-16,A v B,1.8,1.0,-0.05,ah@-0.75:home,2.4\n\
         2024-08-16,C v D,1.2,1.6,0,1x2:away,2.6\n\
         2024-08-17,E v F,1.5,1.5,0,ou@2.5:over,2.1\n",
    );
    let mut command = marabet();
    command.args(["odds", "slate", "--match-cap", "0.05", "--day-cap", "0.06", "--cap", "0.08"]);
    let answer = json(command.arg(&slate));
    let bets = answer["bets"].as_array().unwrap();
    let stakes: Vec<f64> = bets.iter().map(|bet| bet["stake"].as_f64().unwrap()).collect();
    assert!(
        stakes[0] + stakes[1] <= 0.05 + 1e-12 && stakes[..3].iter().sum::<f64>() <= 0.06 + 1e-12
    );
    close(&answer["total"], 0.08, 1e-9);
    let bad = file(
        folder.path(),
        "bad.csv",
        "day,match,lambda,mu,rho,bet,odds\n2024-08-16,A,x,1,0,1x2:home,2\n",
    );
    let output = marabet().args(["odds", "slate"]).arg(bad).output().unwrap();
    assert!(text(&output).contains("line 2: lambda: `x` is no number"), "{}", text(&output));
}

#[test]
fn garbage_is_refused_with_what_was_wrong() {
    for (words, what) in [
        ("devig 2.0 1.0", "odds number 2"),
        ("devig 2.0 nan", "odds number 2"),
        ("devig 2.0 inf", "odds number 2"),
        ("devig 2.0 -3", "odds number 2"),
        ("devig 1.98", "at least two"),
        ("devig --target 0 2 2", "0"),
        ("devig --method additive 1.149425 5 10 20 50 100", "additive"),
        ("devig --method best 2 2", "unknown de-vig method `best`"),
        ("price --margin 0.05 0.5 1.5", "1.5"),
        ("kelly --odds 2 --p 1.5", "probability number 1"),
        ("kelly --odds 2 3 --p 0.5", "2 odds need as many probabilities"),
        ("kelly --odds 2 --p 0.5 --fraction 2", "fraction"),
        ("kelly --odds 2 --p 0.5 --cap -1", "-1"),
        ("kelly --exclusive --odds 2 2 --p 0.6 0.6", "1.2"),
        ("kelly --odds 2 --outcomes 0.5 0.5 0.5 0 0", "outcomes of bet number 1"),
        ("value --odds 2.2 --p 0.5 --commission 1", "commission"),
        ("arbitrage 2", "at least two"),
        ("arbitrage --book 2,x", "`x` is no number"),
        ("hedge --stakes 1 --placed 2 2 --odds 2 2", ""),
        ("stake target --profit 10 --odds 1", "1"),
        ("consensus --book 2,2 --book 2,3,4", "book 1 has 3 outcomes"),
        ("blend --model 0.5 0.5 --market 0.5 0.3 0.2", "outcomes"),
        ("clv --odds 2 --bet 1x2:over --closing 2 3 4", "has no `over`"),
        ("clv --odds 2 --bet 1x2:home --closing 2 3", "3 selections"),
    ] {
        let output = marabet().arg("odds").args(words.split(' ')).output().unwrap();
        let code = output.status.code();
        assert!(code == Some(1) || code == Some(2), "{words}: {code:?}");
        assert!(text(&output).contains(what), "{words}: {}", text(&output));
        assert!(!text(&output).contains("panicked"), "{words}: {}", text(&output));
    }
}

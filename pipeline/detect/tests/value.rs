//! What is fair and what is value, with numbers that can be checked by hand.

mod support;

use marabet_schemas::bets::RefusalReason;
use marabet_schemas::facts::Phase;
use marabet_schemas::strategy::{FairSource, Strategy};
use support::*;

#[test]
fn a_price_above_the_sharp_books_fair_one_is_a_bet() {
    let mut story = Story::under(rules("sharp", plain()));
    assert_eq!(story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]), []);
    let events = story.quote("bet365", "ou@2.5", &[2.1, 1.75]);
    let bet = only_bet(&events);
    assert_eq!((bet.book.as_str(), bet.selection.as_str()), ("bet365", "over"));
    // 1/1.9 each way is a half each way; 0.5 × 2.1 − 1 = 0.05; (0.5·2.1 − 1)/1.1 = 0.04545…
    near(bet.fair.probability, 0.5);
    near(bet.ev, 0.05);
    near(bet.stake.get(), 0.05 / 1.1);
    assert_eq!((bet.revision, bet.occurrence, bet.top_up, bet.config), (0, 0, 0, 1));
    assert_eq!(bet.kickoff, at(KICKOFF));
    assert_eq!(bet.expires, at(600));
    assert_eq!(bet.fair.references.len(), 1);
    assert_eq!(bet.fair.references[0].book.as_str(), "pinnacle");
    assert_eq!(bet.fair.outcomes, [0.5, 0.0, 0.0, 0.0, 0.5]);
}

#[test]
fn a_price_without_interest_derives_nothing() {
    let mut story = Story::under(rules("sharp", plain()));
    story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    assert_eq!(story.quote("bet365", "ou@2.5", &[2.03, 1.8]), []);
    assert_eq!(story.quote("bwin", "ou@2.5", &[1.8, 2.0]), []);
}

#[test]
fn a_move_of_the_reference_makes_value_of_a_price_that_stood() {
    let mut story = Story::under(rules("sharp", plain()));
    story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    story.quote("bet365", "ou@2.5", &[2.0, 1.8]);
    let events = story.at(60).quote("pinnacle", "ou@2.5", &[1.8, 2.0]);
    let bet = only_bet(&events);
    // (1/1.8)/(1/1.8 + 1/2) = 10/19; 20/19 − 1 = 1/19.
    near(bet.fair.probability, 10.0 / 19.0);
    near(bet.ev, 1.0 / 19.0);
    assert_eq!(bet.quoted_at, at(0));
}

#[test]
fn the_commission_is_taken_before_value_is_seen() {
    let strategy = Strategy { references: vec!["pinnacle".into()], ..plain() };
    let mut story = Story::under(rules("sharp", strategy));
    story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    // 2.05 is worth 2.5 % before the commission of 5 %, and 0.5·(1 + 1.05·0.95) − 1 < 0 after it.
    assert_eq!(story.quote("betfair_exchange", "ou@2.5", &[2.05, 1.9]), []);
    let events = story.at(1).quote("betfair_exchange", "ou@2.5", &[2.2, 1.85]);
    let bet = only_bet(&events);
    near(bet.net_odds, 1.0 + 1.2 * 0.95);
    near(bet.ev, 0.5 * 2.14 - 1.0);
}

#[test]
fn the_offering_book_is_left_out_of_what_is_fair() {
    let strategy =
        Strategy { references: vec!["betfair_exchange".into(), "pinnacle".into()], ..plain() };
    let mut story = Story::under(rules("sharp", strategy));
    story.quote("betfair_exchange", "ou@2.5", &[2.3, 1.7]);
    // Its own opinion would make 2.3 fair; Pinnacle's makes it value.
    let events = story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    let bet = bets(&events)[0];
    assert_eq!(bet.book.as_str(), "betfair_exchange");
    near(bet.ev, 0.5 * (1.0 + 1.3 * 0.95) - 1.0);
    assert_eq!(bet.fair.references[0].book.as_str(), "pinnacle");
    // And Pinnacle's own under is held against the exchange's 2.3/(2.3 + 1.7), which it beats;
    // but it takes no bets.
    let refused = refusals(&events)[0];
    assert_eq!(refused.reason, RefusalReason::BookNotBettable);
    near(refused.ev.unwrap(), 2.3 / 4.0 * 1.9 - 1.0);
    assert_eq!(events.len(), 2);
}

#[test]
fn the_second_reference_speaks_where_the_first_has_no_live_price() {
    let strategy = Strategy { references: vec!["pinnacle".into(), "sbobet".into()], ..plain() };
    let mut story = Story::under(rules("sharp", strategy));
    story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    story.quote("sbobet", "ou@2.5", &[1.8, 2.0]);
    assert_eq!(story.quote("bet365", "ou@2.5", &[2.0, 1.8]), []);
    let events = story.withdrawn("pinnacle", Some("ou@2.5"));
    let bet = only_bet(&events);
    assert_eq!(bet.fair.references[0].book.as_str(), "sbobet");
    near(bet.ev, 1.0 / 19.0);
}

#[test]
fn a_reference_that_was_not_seen_for_long_is_none() {
    let mut story = Story::under(rules("sharp", plain()));
    story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    let events = story.at(601).quote("bet365", "ou@2.5", &[2.1, 1.75]);
    assert_eq!(bets(&events), Vec::<&_>::new());
    let events = story.at(602).seen("pinnacle");
    only_bet(&events);
}

#[test]
fn a_consensus_is_the_mean_of_the_others() {
    let strategy = Strategy { fair: FairSource::Consensus, consensus_books_min: 2, ..plain() };
    let mut story = Story::under(rules("consensus", strategy));
    story.quote("a", "ou@2.5", &[1.9, 1.9]);
    // One other book is too few for a consensus.
    assert_eq!(story.quote("c", "ou@2.5", &[2.2, 1.75]), []);
    let events = story.quote("b", "ou@2.5", &[1.86, 1.9]);
    let bet = only_bet(&events);
    // 1/2 by `a`, 1.9/(1.86 + 1.9) = 95/188 by `b`: their mean is 189/376.
    assert_eq!(bet.book.as_str(), "c");
    near(bet.fair.probability, 189.0 / 376.0);
    near(bet.ev, 2.2 * 189.0 / 376.0 - 1.0);
    let books: Vec<&str> =
        bet.fair.references.iter().map(|reference| reference.book.as_str()).collect();
    assert_eq!(books, ["a", "b"]);
}

#[test]
fn the_model_s_view_is_taken_as_the_quote_carries_it() {
    let mut story = Story::under(rules("model", Strategy { fair: FairSource::Model, ..plain() }));
    let quote = priced("bet365", "1x2", &[2.3, 3.2, 3.4], Phase::Pre);
    let events = story.tell(with_model(quote, 7, &[0.45, 0.27, 0.28]));
    let bet = only_bet(&events);
    assert_eq!((bet.selection.as_str(), bet.fair.references.len()), ("home", 0));
    assert_eq!(bet.fair.model.as_ref().unwrap().number, 7);
    near(bet.ev, 0.45 * 2.3 - 1.0);
    // One bet alone has its own Kelly stake: (0.45·2.3 − 1)/1.3.
    near(bet.stake.get(), 0.035 / 1.3);
}

#[test]
fn a_new_model_makes_value_of_a_price_that_stood() {
    let mut story = Story::under(rules("model", Strategy { fair: FairSource::Model, ..plain() }));
    let quote = |book, decimals: &[f64]| priced(book, "ou@2.5", decimals, Phase::Pre);
    let old = story.tell(with_model(quote("bet365", &[2.0, 1.85]), 1, &[0.5, 0.5]));
    assert_eq!(old, []);
    let events = story.tell(with_model(quote("bwin", &[1.9, 1.9]), 2, &[0.53, 0.47]));
    let bet = only_bet(&events);
    assert_eq!((bet.book.as_str(), bet.selection.as_str()), ("bet365", "over"));
    near(bet.ev, 0.06);
}

#[test]
fn a_blend_is_the_logarithmic_pool_of_model_and_sharp_price() {
    let strategy = Strategy { fair: FairSource::Blend, model_weight: 0.5, ..plain() };
    let mut story = Story::under(rules("blend", strategy));
    let quote = |book, decimals: &[f64]| priced(book, "ou@2.5", decimals, Phase::Pre);
    story.tell(with_model(quote("pinnacle", &[1.9, 1.9]), 1, &[0.64, 0.36]));
    let events = story.tell(with_model(quote("bet365", &[1.9, 1.9]), 1, &[0.64, 0.36]));
    let bet = only_bet(&events);
    // Odds pool to the root of (0.64/0.36)·(0.5/0.5) = 4/3, a probability of 4/7.
    near(bet.fair.probability, 4.0 / 7.0);
    near(bet.ev, 1.9 * 4.0 / 7.0 - 1.0);
    assert_eq!(bet.fair.references[0].book.as_str(), "pinnacle");
    assert_eq!(bet.fair.model.as_ref().unwrap().number, 1);
}

#[test]
fn a_blend_of_one_opinion_is_none() {
    let strategy = Strategy { fair: FairSource::Blend, ..plain() };
    let mut story = Story::under(rules("blend", strategy));
    story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    assert_eq!(story.quote("bet365", "ou@2.5", &[2.3, 1.6]), []);
}

#[test]
fn the_power_method_takes_the_margin_out_by_default() {
    let strategy = Strategy { devig: Strategy::default().devig, ..plain() };
    let mut story = Story::under(rules("sharp", strategy));
    story.quote("pinnacle", "1x2", &[2.0, 4.0, 4.0]);
    // This book is fair as it stands, whatever the method: 1/2, 1/4, 1/4.
    let events = story.quote("bet365", "1x2", &[2.1, 3.5, 3.8]);
    near(only_bet(&events).fair.probability, 0.5);
    // 1/1.5, 1/4, 1/9 add up to 37/36; their k-th powers to one.
    let events = story.at(1).quote("pinnacle", "ou@2.5", &[1.25, 4.0]);
    assert_eq!(events, []);
    let events = story.quote("bet365", "ou@2.5", &[1.2, 4.8]);
    let fair = only_bet(&events).fair.probability;
    let k = 0.25_f64.powf(1.0);
    assert!(fair < k, "{fair} is no longshot with its margin taken out");
    let k = fair.ln() / 0.25_f64.ln();
    near(0.8_f64.powf(k) + 0.25_f64.powf(k), 1.0);
}

#[test]
fn a_price_with_a_push_is_conditional_and_its_value_counts_what_comes_back() {
    let mut story = Story::under(rules("sharp", plain()));
    story.quote("pinnacle", "ah@0", &[1.9, 1.9]);
    let events = story.quote("bet365", "ah@0", &[2.2, 1.7]);
    let bet = only_bet(&events);
    near(bet.fair.probability, 0.5);
    let [win, half_win, push, half_loss, loss] = bet.fair.outcomes;
    assert_eq!((half_win, half_loss), (0.0, 0.0));
    near(win, loss);
    assert!(push > 0.2 && push < 0.3, "{push}");
    near(win + push + loss, 1.0);
    // 0.5·2.2 − 1 = 0.1 of what is decided; the rest comes back.
    near(bet.ev, 0.1 * (1.0 - push));
    // The Kelly stake does not change with what comes back: 0.1/1.2.
    near(bet.stake.get(), 0.1 / 1.2);
}

#[test]
fn a_quarter_line_has_its_four_outcomes() {
    let mut story = Story::under(rules("sharp", plain()));
    story.quote("pinnacle", "1x2", &[2.5, 3.3, 2.9]);
    story.quote("pinnacle", "ah@-0.25", &[1.9, 1.9]);
    let events = story.quote("bet365", "ah@-0.25", &[2.2, 1.7]);
    let bet = only_bet(&events);
    let [win, half_win, push, half_loss, loss] = bet.fair.outcomes;
    assert_eq!((half_win, push), (0.0, 0.0));
    near(win + half_loss + loss, 1.0);
    // Half of a draw's stake is lost: win/(win + loss + half_loss/2) is the conditional half.
    near(win, loss + half_loss / 2.0);
    near(bet.ev, win * 1.2 - loss - half_loss / 2.0);
}

#[test]
fn what_comes_back_can_leave_too_little_value() {
    let mut story = Story::under(rules("sharp", plain()));
    story.quote("pinnacle", "ah@0", &[1.9, 1.9]);
    // 2.2 % of what is decided is less than 2 % of the stake.
    assert_eq!(story.quote("bet365", "ah@0", &[2.044, 1.8]), []);
}

#[test]
fn the_same_payoff_is_bet_once_and_the_best_net_price_first() {
    let mut story = Story::under(rules("sharp", plain()));
    story.quote("bet365", "ah@-0.5", &[2.1, 1.75]);
    story.quote("bwin", "1x2", &[2.15, 3.3, 3.4]);
    story.quote("unibet", "1x2", &[2.12, 3.3, 3.4]);
    let events = story.quote("pinnacle", "1x2", &[2.0, 3.8, 4.2]);
    let bet = only_bet(&events);
    assert_eq!((bet.book.as_str(), bet.market.to_string().as_str()), ("bwin", "1x2"));
    let others: Vec<_> = bet
        .others
        .iter()
        .map(|other| (other.book.as_str(), other.market.to_string(), other.selection.as_str()))
        .collect();
    let expected = [("unibet", "1x2".to_owned(), "home"), ("bet365", "ah@-0.5".to_owned(), "home")];
    assert_eq!(others, expected);
    // The reference comes to the handicap too: the home side is bet on already.
    assert_eq!(story.quote("pinnacle", "ah@-0.5", &[1.98, 1.98]), []);
}

#[test]
fn a_better_price_changes_what_is_shown_and_only_by_a_step() {
    let mut story = Story::under(rules("sharp", plain()));
    story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    let first = story.quote("bet365", "ou@2.5", &[2.1, 1.75]);
    let first = only_bet(&first);
    assert_eq!(story.quote("bwin", "ou@2.5", &[2.12, 1.75]), []);
    let events = story.at(60).quote("bwin", "ou@2.5", &[2.13, 1.75]);
    let shown = only_bet(&events);
    assert_eq!((shown.bet, shown.revision), (first.bet, 1));
    assert_eq!((shown.book.as_str(), shown.stake), ("bwin", first.stake));
    assert_eq!(shown.others[0].book.as_str(), "bet365");
    near(shown.ev, 0.065);
    // The price of record settles it.
    let events = story.at(KICKOFF + 2 * HOUR).played(2, 1);
    let settled = only_settlement(&events);
    assert_eq!((settled.bet, settled.book.as_str()), (first.bet, "bet365"));
    near(settled.net_odds, 2.1);
    near(settled.profit, 1.1);
    near(settled.claimed_ev, 0.05);
}

#[test]
fn bets_of_a_match_are_staked_together() {
    let mut story = Story::under(rules("sharp", plain()));
    for book in ["pinnacle", "bet365"] {
        story.quote(book, "ou@2.5", &[1.9, 1.9]);
    }
    story.quote("pinnacle", "1x2", &[2.0, 3.8, 4.2]);
    // Home and draw exclude each other: each stake is smaller than alone, and both are made.
    let events = story.quote("bet365", "1x2", &[2.2, 4.2, 2.6]);
    let told = bets(&events);
    assert_eq!(told.len(), 2);
    let (home, draw) = (told[0], told[1]);
    // p·odds by the three fair probabilities; Smoczynski and Tomkins' reserve
    // R = (1 − p_home − p_draw) / (1 − 1/2.2 − 1/4.2), stake p − R/odds.
    let (h, d, a) = (1.0 / 2.0, 1.0 / 3.8, 1.0 / 4.2);
    let sum = h + d + a;
    let (h, d) = (h / sum, d / sum);
    let reserve = (1.0 - h - d) / (1.0 - 1.0 / 2.2 - 1.0 / 4.2);
    assert!((home.stake.get() - (h - reserve / 2.2)).abs() < 1e-7, "{}", home.stake.get());
    assert!((draw.stake.get() - (d - reserve / 4.2)).abs() < 1e-7, "{}", draw.stake.get());
}

#[test]
fn a_bet_that_stands_keeps_its_stake_and_leaves_less_for_its_like() {
    let told_of = |first: bool| {
        let mut story = Story::under(rules("sharp", plain()));
        story.quote("pinnacle", "1x2", &[2.0, 3.8, 4.2]);
        story.quote("pinnacle", "ah@-1", &[2.9, 1.45]);
        if first {
            only_bet(&story.quote("bet365", "1x2", &[2.2, 3.3, 3.4]));
        }
        let events = story.quote("bet365", "ah@-1", &[3.6, 1.3]);
        only_bet(&events).stake.get()
    };
    let (alone, beside) = (told_of(false), told_of(true));
    assert!(beside < alone && beside > 0.0, "{beside} beside, {alone} alone");
}

#[test]
fn stakes_keep_to_the_fraction_of_kelly_and_the_match_s_cap() {
    let strategy =
        Strategy { kelly_fraction: 0.25, match_max: 0.015.try_into().unwrap(), ..plain() };
    let mut story = Story::under(rules("sharp", strategy));
    story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    let events = story.quote("bet365", "ou@2.5", &[2.1, 1.75]);
    near(only_bet(&events).stake.get(), 0.25 * 0.05 / 1.1);
    story.quote("pinnacle", "btts", &[1.9, 1.9]);
    let events = story.quote("bet365", "btts", &[2.2, 1.7]);
    let left = 0.015 - 0.25 * 0.05 / 1.1;
    assert!((only_bet(&events).stake.get() - left).abs() < 1e-8);
    // Nothing is left for a third.
    story.quote("pinnacle", "oe", &[1.9, 1.9]);
    let events = story.quote("bet365", "oe", &[2.2, 1.7]);
    assert_eq!(only_refusal(&events).reason, RefusalReason::NoStake);
    assert_eq!(story.at(1).quote("bet365", "oe", &[2.25, 1.7]), []);
}

#[test]
fn a_top_up_is_a_bet_of_the_missing_stake_for_who_asks_for_it() {
    let strategy = Strategy { top_up: true, ..plain() };
    let mut story = Story::under(rules("sharp", strategy));
    story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    let first = story.quote("bet365", "ou@2.5", &[2.1, 1.75]);
    let first = only_bet(&first).clone();
    let events = story.at(60).quote("bwin", "ou@2.5", &[2.3, 1.7]);
    let told = bets(&events);
    assert_eq!((told.len(), events.len()), (2, 2));
    let (shown, added) = (told[0], told[1]);
    assert_eq!((shown.bet, shown.revision, shown.top_up), (first.bet, 1, 0));
    assert_ne!(added.bet, first.bet);
    assert_eq!((added.revision, added.top_up, added.occurrence), (0, 1, 0));
    // With f at 2.1 held, x at 2.3 solves 0.5·1.3/(1 + 1.1f + 1.3x) = 0.5·1/(1 − f − x).
    let f = first.stake.get();
    let x = (1.3 * (1.0 - f) - 1.0 - 1.1 * f) / 2.6;
    assert!((added.stake.get() - x).abs() < 1e-8, "{} not {x}", added.stake.get());
    let settled = story.at(KICKOFF + 2 * HOUR).played(2, 1);
    let profits: Vec<f64> = settlements(&settled).iter().map(|s| s.profit).collect();
    near(profits[0], 1.1);
    near(profits[1], 1.3);
}

#[test]
fn strategies_side_by_side_do_not_see_each_other() {
    let sharp = rules("sharp", plain());
    let model = rules("model", Strategy { fair: FairSource::Model, ..plain() });
    let mut both = sharp.clone();
    both.strategies.extend(model.strategies.clone());
    let told = |rules| {
        let mut story = Story::under(rules);
        let mut events = Vec::new();
        for (book, home) in [("pinnacle", 2.0), ("bet365", 2.2), ("bwin", 2.4), ("bet365", 2.1)] {
            let quote = priced(book, "1x2", &[home, 3.6, 3.6], Phase::Pre);
            events.extend(story.tell(with_model(quote, 1, &[0.45, 0.25, 0.3])));
            events.extend(story.quote(book, "ou@2.5", &[home, 1.75]));
        }
        events.extend(story.at(KICKOFF + 2 * HOUR).played(1, 0));
        events
    };
    let together = told(both);
    for (name, alone) in [("sharp", told(sharp)), ("model", told(model))] {
        let own = together.iter().filter(|event| event.to_line().contains(&format!("\"{name}\"")));
        let own: Vec<_> = own.cloned().collect();
        assert!(!own.is_empty() && own.len() < together.len());
        // A revision carries the strategy by name too, so nothing of it is left out.
        assert_eq!(own, alone, "{name}");
    }
}

#[test]
fn a_strategy_looks_at_its_own_markets_and_competitions_alone() {
    for strategy in [
        Strategy { markets: vec!["ah".into(), "1x2".into()], ..plain() },
        Strategy { competitions: vec!["D1".into()], ..plain() },
    ] {
        let mut story = Story::under(rules("sharp", strategy));
        story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
        assert_eq!(story.quote("bet365", "ou@2.5", &[2.1, 1.75]), []);
    }
}

#[test]
fn the_rules_in_force_are_those_of_the_highest_number() {
    let mut story = Story::under(rules("sharp", Strategy { ev_min: 0.2, ..plain() }));
    story.quote("pinnacle", "ou@2.5", &[1.9, 1.9]);
    story.quote("bet365", "ou@2.5", &[2.1, 1.75]);
    // The same number again, and a lower one, change nothing and go no further.
    assert_eq!(story.configure(1, rules("sharp", plain())), []);
    assert_eq!(story.at(1).quote("bet365", "ou@2.5", &[2.1, 1.75]), []);
    let passed_on = story.configure(2, rules("sharp", plain()));
    assert_eq!(passed_on.len(), 1);
    let events = story.at(2).quote("bet365", "ou@2.5", &[2.1, 1.75]);
    assert_eq!(only_bet(&events).config, 2);
}

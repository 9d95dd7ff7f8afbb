//! What to spend when: credits go where kick-off is near.
//!
//! A competition is looked at more often as its next kick-off comes near ([`pause`]). Where the
//! day's budget does not reach for that, all pauses are stretched by one factor, so that near
//! matches keep their precedence and the day ends with the budget spent and not before.

use marabet_schemas::Instant;

/// A competition, and what a look at it costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Stake {
    /// The kick-offs that are known, in order.
    pub kickoffs: Vec<Instant>,
    /// Credits a look.
    pub cost: u64,
}

/// How far before kick-off, and how long between two looks then: seconds.
const PAUSES: [(i64, i64); 6] = [
    (10 * 60, 60),
    (3_600, 3 * 60),
    (3 * 3_600, 10 * 60),
    (12 * 3_600, 45 * 60),
    (48 * 3_600, 3 * 3_600),
    (7 * 86_400, 12 * 3_600),
];

/// The pause until the next look, in seconds, for the next kick-off at or after `now`. None where
/// there is no match within a week.
#[must_use]
pub fn pause(kickoffs: &[Instant], now: Instant) -> Option<i64> {
    let next = kickoffs[kickoffs.partition_point(|kickoff| *kickoff <= now)..].first()?;
    let seconds = next.seconds_since(now) as i64;
    let (_, pause) = PAUSES.iter().find(|(before, _)| seconds <= *before)?;
    Some(*pause)
}

/// When a competition is due again that was last looked at at `last`, its pauses stretched.
#[must_use]
pub fn due(
    kickoffs: &[Instant],
    last: Option<Instant>,
    now: Instant,
    stretch: f64,
) -> Option<Instant> {
    let Some(last) = last else {
        return pause(kickoffs, now).map(|_| now);
    };
    let pause = pause(kickoffs, now)? as f64 * stretch;
    Some(last.plus_seconds(pause as i64))
}

/// Credits that looks would cost from `now` until `end`, every pause stretched so.
fn projected(stakes: &[Stake], now: Instant, end: Instant, stretch: f64) -> u64 {
    let of_one = |stake: &Stake| {
        let (mut at, mut cost) = (now, 0);
        // A minute is the shortest pause, and the end is within a day: at most 1,440 looks.
        while at < end {
            let Some(pause) = pause(&stake.kickoffs, at) else {
                // Nothing within a week: look again in an hour of the projection.
                at = at.plus_seconds(3_600);
                continue;
            };
            cost += stake.cost;
            at = at.plus_seconds(((pause as f64 * stretch) as i64).max(60));
        }
        cost
    };
    stakes.iter().map(of_one).sum()
}

/// By how much all pauses are stretched so that what is left reaches until `end`: 1 where it does
/// anyway, none where it does not reach at all.
#[must_use]
pub fn stretch(stakes: &[Stake], now: Instant, end: Instant, left: Option<u64>) -> Option<f64> {
    let Some(left) = left else { return Some(1.0) };
    let mut stretch = 1.0;
    while stretch < 1000.0 {
        if projected(stakes, now, end, stretch) <= left {
            return Some(stretch);
        }
        stretch *= 1.25;
    }
    stakes.iter().any(|stake| stake.cost <= left).then_some(stretch)
}

/// Credits of one look: a credit a market and region; ten named books are a region.
#[must_use]
pub fn cost(markets: usize, regions: usize, books: usize) -> u64 {
    let regions = if books > 0 { books.div_ceil(10) } else { regions };
    (markets.max(1) * regions.max(1)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn the_nearer_the_kickoff_the_more_often() {
        let kickoffs = [at("2026-04-18T14:00:00Z"), at("2026-04-19T14:00:00Z")];
        let check = |now: &str, expected: Option<i64>| {
            assert_eq!(pause(&kickoffs, at(now)), expected, "{now}");
        };
        check("2026-04-18T13:55:00Z", Some(60));
        check("2026-04-18T13:10:00Z", Some(180));
        check("2026-04-18T03:00:00Z", Some(2_700));
        check("2026-04-18T14:00:00Z", Some(3 * 3_600));
        check("2026-04-19T14:00:00Z", None);
    }

    #[test]
    fn a_small_budget_stretches_all_pauses_and_is_not_overspent() {
        let now = at("2026-04-18T00:00:00Z");
        let stake = |kickoff: &str| Stake { kickoffs: vec![at(kickoff)], cost: 6 };
        let stakes = [stake("2026-04-18T14:00:00Z"), stake("2026-04-20T14:00:00Z")];
        let end = now.plus_seconds(86_400);
        assert_eq!(stretch(&stakes, now, end, None), Some(1.0));
        let full = projected(&stakes, now, end, 1.0);
        assert_eq!(stretch(&stakes, now, end, Some(full)), Some(1.0));
        let half = stretch(&stakes, now, end, Some(full / 2)).unwrap();
        assert!(half > 1.0 && projected(&stakes, now, end, half) <= full / 2, "{half}");
        assert_eq!(stretch(&stakes, now, end, Some(5)), None);
        // The near match still has more looks than the far one.
        assert!(projected(&stakes[..1], now, end, half) > projected(&stakes[1..], now, end, half));
    }

    #[test]
    fn a_look_costs_a_credit_a_market_and_region() {
        assert_eq!(cost(3, 2, 0), 6);
        assert_eq!(cost(1, 4, 10), 1);
        assert_eq!(cost(2, 1, 11), 4);
    }
}

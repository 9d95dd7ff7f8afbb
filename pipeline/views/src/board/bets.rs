//! One bet, from the alert to its settlement.

use marabet_schemas::bets::{Grant, Settlement, ValueBet};
use marabet_schemas::{Address, Instant, MatchKey};

/// What is known of a bet.
#[derive(Debug, Clone)]
pub struct Bet {
    /// The match.
    pub key: MatchKey,
    /// When it was decided, in event time.
    pub decided_at: Instant,
    /// Where its alert stands in the log; none while only the grant was read.
    pub address: Option<Address>,
    /// The alert: the price of record.
    pub alert: ValueBet,
    /// The latest revision of what is shown, where it differs from the alert.
    pub latest: Option<ValueBet>,
    /// What the portfolio decided.
    pub grant: Option<Grant>,
    /// When it was settled, and how; the last revision.
    pub settlement: Option<(Instant, Settlement)>,
}

impl Bet {
    pub(super) fn found(
        key: &MatchKey,
        decided_at: Instant,
        address: Address,
        alert: &ValueBet,
    ) -> Self {
        Self {
            key: key.clone(),
            decided_at,
            address: Some(address),
            alert: alert.clone(),
            latest: None,
            grant: None,
            settlement: None,
        }
    }

    /// What is shown of it has changed.
    pub(super) fn shown(&mut self, bet: &ValueBet) {
        if bet.revision >= self.latest.as_ref().map_or(0, |latest| latest.revision)
            && bet.revision > 0
        {
            self.latest = Some(bet.clone());
        }
    }

    pub(super) fn granted(&mut self, grant: &Grant) {
        // A bet is granted once; later revisions change what is shown alone.
        self.grant.get_or_insert_with(|| grant.clone());
    }

    pub(super) fn settled(&mut self, at: Instant, settlement: &Settlement) {
        let known = self.settlement.as_ref().map_or(0, |(_, known)| known.revision);
        if settlement.revision >= known {
            self.settlement = Some((at, settlement.clone()));
        }
    }
}

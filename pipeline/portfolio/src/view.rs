//! The views that the stage keeps in the cache, for the API.
//!
//! `account:<strategy>`, field `account`: an [`AccountView`], kept as predictions are.

use marabet_schemas::{Money, StrategyName};
use marabet_stage::{CacheClass, CacheEntry, ViewName};
use serde::{Deserialize, Serialize};

use crate::account::AccountRow;

/// Where a strategy's money stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// What it started with.
    pub start: Money,
    /// Put in and (negative) taken out since.
    pub deposits: Money,
    /// Won and (negative) lost by settled bets.
    pub profit: Money,
    /// The three together: what it owns, open stakes included.
    pub bankroll: Money,
    /// Staked and not settled.
    pub open: Money,
}

/// The name of a strategy's account.
#[must_use]
pub fn account(strategy: &StrategyName) -> String {
    name(strategy).to_string()
}

fn name(strategy: &StrategyName) -> ViewName {
    ViewName::new("account", strategy.as_str())
}

impl From<&AccountRow> for AccountView {
    fn from(row: &AccountRow) -> Self {
        let AccountRow { start, deposits, profit, open, .. } = *row;
        Self { start, deposits, profit, bankroll: row.bankroll(), open }
    }
}

pub(crate) fn of_account(strategy: &StrategyName, row: &AccountRow) -> CacheEntry {
    let json = serde_json::to_string(&AccountView::from(row)).expect("an account is plain data");
    CacheEntry {
        class: CacheClass::Predictions,
        name: name(strategy),
        field: "account".into(),
        json: Some(json.into()),
    }
}

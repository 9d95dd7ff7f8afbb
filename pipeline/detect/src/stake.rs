//! How much: one joint Kelly over the scores of the match, the bets that stand kept as they are.

use marabet_quant::staking::{HeldBet, JointBet, kelly_joint_beside};
use marabet_schemas::bets::RefusalReason;

use crate::offer::{Offer, Wanted};
use crate::refusal::Refusal;
use crate::rules::Plan;
use crate::state::rows::BetRecord;
use crate::value::{Look, Memo, Verdict};

/// Least share of the bankroll that is worth a bet: one of 10,000.
pub(crate) const STAKE_MIN: f64 = 1e-4;

/// Most bets of one strategy on one match.
pub(crate) const BETS_MAX: usize = 48;

/// Most bets that top another up.
const TOP_UPS_MAX: u16 = 4;

/// Least stake of a top-up, as a share of the stake of the bet that it adds to.
const TOP_UP_SHARE: f64 = 0.1;

/// Whether nothing more can be staked on the match: its cap is reached, or its number of bets.
pub(crate) fn is_full(bets: &[BetRecord], plan: &Plan) -> bool {
    let standing = bets.iter().filter(|bet| !bet.is_void());
    let staked: f64 = standing.map(|bet| bet.stake.get()).sum();
    bets.len() >= BETS_MAX || plan.rules.match_max.get() - staked < STAKE_MIN
}

/// Gives each wanted bet its stake, or the reason why it gets none.
pub(crate) fn stake(look: &mut Look<'_>, wanted: Vec<Wanted>, verdicts: &mut Vec<Verdict>) {
    let bets = look.bets();
    let room = BETS_MAX.saturating_sub(bets.len());
    let held: Vec<HeldBet> = bets.iter().filter(|bet| !bet.is_void()).map(held).collect();
    let first_stake = |wanted: &Wanted| {
        let same = bets.iter().find(|bet| {
            bet.payoff == wanted.payoff && bet.occurrence == wanted.occurrence && bet.top_up == 0
        });
        same.map_or(0.0, |bet| bet.stake.get())
    };
    let least: Vec<f64> =
        wanted.iter().map(|w| STAKE_MIN.max(TOP_UP_SHARE * first_stake(w))).collect();
    let stakes = stakes(look, &held, &wanted).unwrap_or_else(|| vec![0.0; wanted.len()]);
    for (place, ((wanted, stake), least)) in wanted.into_iter().zip(stakes).zip(least).enumerate() {
        let is_top_up = wanted.top_up > 0;
        let fits = place < room && (!is_top_up || wanted.top_up <= TOP_UPS_MAX);
        if fits && stake >= least {
            let Wanted { payoff, occurrence, top_up, offers } = wanted;
            verdicts.push(Verdict::Bet { payoff, occurrence, top_up, offers, stake });
        } else if !is_top_up {
            verdicts.push(Verdict::Refuse(no_stake(&wanted.offers[0])));
        }
    }
}

/// The stakes that grow the strategy's bankroll fastest, given what stands; none where no matrix
/// has the fair price.
fn stakes(look: &mut Look<'_>, held: &[HeldBet], wanted: &[Wanted]) -> Option<Vec<f64>> {
    let (rules, best) = (&look.plan.rules, &wanted[0].offers[0]);
    let cap = rules.match_max.get();
    let bets: Vec<JointBet> = wanted.iter().map(|wanted| joint(&wanted.offers[0])).collect();
    let Memo { devigged, scores } = &mut *look.memo;
    let book = Some(best.price.book);
    let matrix = scores.behind(&look.board, look.plan, &look.view, &best.fair, book, devigged)?;
    kelly_joint_beside(matrix, held, &bets, rules.kelly_fraction, cap).ok()
}

fn joint(offer: &Offer) -> JointBet {
    JointBet { market: offer.market, selection: offer.selection(), net_odds: offer.net_odds }
}

fn held(bet: &BetRecord) -> HeldBet {
    let (market, selection, net_odds) = (bet.market, bet.selection, bet.net_odds);
    HeldBet { bet: JointBet { market, selection, net_odds }, stake: bet.stake.get() }
}

fn no_stake(offer: &Offer) -> Refusal {
    let (book, reason) = (Some(offer.price.book), RefusalReason::NoStake);
    let refusal = Refusal::of_price(offer.market, book, offer.selection(), reason);
    Refusal { ev: Some(offer.ev), ..refusal }
}

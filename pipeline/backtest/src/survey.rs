//! Making the rows of everything that was value: a walk through the facts with a survey instead
//! of the stage.

use marabet_detect::survey::Survey;
use marabet_schemas::strategy::{FairSource, Rules};
use marabet_stage::Fault;

use crate::history::{HistoryError, Strand, Unread};
use crate::opportunity::{Entering, Row};
use crate::setup::Setup;
use crate::walk::{WalkError, Walked, walk};

/// Why a survey ended early.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    /// The facts could not be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// They could not be priced.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// The views are none.
    #[error("{0}")]
    Views(Fault),
}

/// What came of one competition.
#[derive(Debug, Default)]
pub struct Surveyed {
    /// What was gone through.
    pub walked: Walked,
    /// What could not be read.
    pub unread: Unread,
}

/// Walks one competition and gives the rows of each view, match by match, to `each`.
///
/// # Errors
/// [`SurveyError`].
pub fn survey(
    strand: &Strand,
    setup: &Setup,
    views: &Rules,
    entering: &Entering,
    mut each: impl FnMut(&str, &[Row]),
) -> Result<Surveyed, SurveyError> {
    let mut surveyed = Surveyed::default();
    let mut facts = strand.facts(&mut surveyed.unread)?;
    let asks = |fair: FairSource| matches!(fair, FairSource::Model | FairSource::Blend);
    let uses_model = views.strategies.values().any(|view| asks(view.fair));
    let training = uses_model.then(|| setup.training.options());
    let mut survey = Survey::new(views).map_err(SurveyError::Views)?;
    surveyed.walked = walk(&mut facts, training.as_ref(), |event, models| {
        survey.observe(&event, models);
        give(survey.take(), entering, &mut each);
    })?;
    facts.finish()?;
    surveyed.walked.dead += survey.rejected();
    give(survey.finish(), entering, &mut each);
    Ok(surveyed)
}

/// Rows of a match come together; those of each view go together to `each`.
fn give(
    mut noted: Vec<marabet_detect::survey::Opportunity>,
    entering: &Entering,
    each: &mut impl FnMut(&str, &[Row]),
) {
    if noted.is_empty() {
        return;
    }
    // Stable: the looks of a view at a match stay in their order.
    noted.sort_by(|one, other| (&one.key, &one.view).cmp(&(&other.key, &other.view)));
    for of_view in noted.chunk_by(|one, next| one.view == next.view && one.key == next.key) {
        each(of_view[0].view.as_str(), &entering.rows(of_view));
    }
}

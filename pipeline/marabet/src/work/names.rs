//! `names`: what is asked about names of teams, into the ledger; and a word to those who answer.

use async_trait::async_trait;
use marabet_ingest::names::record::Question;
use marabet_jobs::{Job, JobError, JobRules, Run};
use marabet_ledger::records::NameReview;
use serde_json::{Value, json};

use super::{Desk, again};
use crate::line::open;
use crate::sources;

/// Most names that one alert lists.
const LISTED_MAX: usize = 10;

pub(super) struct Names(pub(super) Desk);

#[async_trait]
impl Job for Names {
    fn kind(&self) -> &'static str {
        "names"
    }

    fn about(&self) -> &'static str {
        "Copy what is asked about names into the ledger, and tell of new questions"
    }

    fn rules(&self) -> JobRules {
        JobRules::of("maintenance")
    }

    async fn run(&self, run: &Run) -> Result<Value, JobError> {
        let Desk { ledger, config, .. } = &self.0;
        let names = sources::names(&config.log.folder).map_err(again)?;
        let known = ledger.names_in_doubt().await.map_err(again)?;
        let asked: Vec<(Question, NameReview)> =
            names.questions().into_iter().map(|one| (one.clone(), review(&one))).collect();
        let is_known = |one: &NameReview| known.iter().any(|other| same(one, other));
        let new: Vec<&Question> =
            asked.iter().filter(|(_, one)| !is_known(one)).map(|(question, _)| question).collect();
        for (_, one) in &asked {
            ledger.put_name(one).await.map_err(again)?;
        }
        let mut answered = 0;
        for one in &known {
            let decisions = names.decisions();
            let decided = decisions.iter().find(|(written, _)| {
                written.src.as_str() == one.source && written.name == *one.name
            });
            let is_open = asked.iter().any(|(_, other)| same(one, other));
            if let Some((_, side)) = decided.filter(|_| !is_open) {
                ledger.decide_name(one, side, open::now()).await.map_err(again)?;
                answered += 1;
            }
        }
        if !new.is_empty() {
            let text = told(&new);
            run.log(&text).await;
            self.0.alert_those("names", &text, |audience| audience.names).await;
        }
        Ok(json!({ "asked": asked.len(), "new": new.len(), "answered": answered }))
    }
}

fn review(question: &Question) -> NameReview {
    NameReview {
        source: question.written.src.to_string(),
        competition: question.competition.to_string(),
        name: question.written.name.to_string(),
        candidates: serde_json::to_string(&question.candidates).unwrap_or_default(),
        seen_at: question.at,
        team: None,
    }
}

fn same(one: &NameReview, other: &NameReview) -> bool {
    (&one.source, &one.competition, &one.name) == (&other.source, &other.competition, &other.name)
}

fn told(new: &[&Question]) -> String {
    let line = |question: &&Question| {
        let likeliest = question.candidates.first();
        let likeliest = likeliest.map_or_else(String::new, |one| format!(", perhaps {}", one.side));
        let written = &question.written;
        format!("`{}` of {} in {}{likeliest}", written.name, written.src, question.competition)
    };
    let mut lines: Vec<String> = new.iter().take(LISTED_MAX).map(line).collect();
    if new.len() > LISTED_MAX {
        lines.push(format!("and {} more", new.len() - LISTED_MAX));
    }
    format!(
        "{} wait for an answer, and their facts with them: `marabet names review`\n  {}",
        new.len(),
        lines.join("\n  ")
    )
}

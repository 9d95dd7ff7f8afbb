//! Asking tasks to end, and hearing that one is asked to.

use std::sync::Arc;

use tokio::sync::watch;

/// Held by whoever may ask. Dropping it asks too, so that no task outlives its master.
#[derive(Debug)]
pub struct ShutdownTrigger(watch::Sender<bool>);

/// Held by those who are asked.
#[derive(Debug, Clone)]
pub struct Shutdown {
    asked: watch::Receiver<bool>,
    /// Keeps a signal that is never given from looking like a dropped trigger.
    _never: Option<Arc<watch::Sender<bool>>>,
}

impl ShutdownTrigger {
    /// A trigger and the signal that it gives.
    #[must_use]
    pub fn new() -> (Self, Shutdown) {
        let (sender, asked) = watch::channel(false);
        (Self(sender), Shutdown { asked, _never: None })
    }

    /// Asks all holders of the signal to end.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }
}

impl Shutdown {
    /// A signal that is never given.
    #[must_use]
    pub fn never() -> Self {
        let (sender, asked) = watch::channel(false);
        Self { asked, _never: Some(Arc::new(sender)) }
    }

    /// Whether it was given.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        *self.asked.borrow() || self.asked.has_changed().is_err()
    }

    /// Returns once it is given.
    pub async fn asked(&mut self) {
        // An error means that the trigger is gone, which asks too.
        let _ = self.asked.wait_for(|asked| *asked).await;
    }

    /// What the future yields, or nothing when the signal comes first. The future is dropped then.
    pub async fn unless_asked<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.asked() => None,
            value = future => Some(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn asking_and_dropping_the_trigger_both_end_the_tasks() {
        let (trigger, mut shutdown) = ShutdownTrigger::new();
        assert!(!shutdown.is_asked());
        trigger.ask();
        shutdown.asked().await;
        assert!(shutdown.is_asked());

        let (trigger, mut shutdown) = ShutdownTrigger::new();
        drop(trigger);
        assert_eq!(shutdown.unless_asked(std::future::pending::<()>()).await, None);
        assert!(!Shutdown::never().is_asked());
    }
}

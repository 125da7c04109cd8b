//! In place of a cluster, where the feature is off.

use std::io;
use std::time::Duration;

use super::Relay;
use crate::metrics::OfCluster;
use crate::system::Events;

impl Relay {
    #[expect(clippy::unused_self, reason = "with the feature it does something")]
    pub(super) fn cluster_figures(&self) -> OfCluster {
        None
    }

    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "with the feature it can fail")]
    pub(super) fn join_cluster(&mut self) -> io::Result<()> {
        Ok(())
    }

    #[inline]
    pub(super) fn poll(&mut self, events: &mut Events, most: Option<Duration>) -> io::Result<()> {
        self.poll.poll(events, most)
    }

    #[inline]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "with the feature it can fail")]
    pub(super) fn begin_cluster(&mut self) -> io::Result<()> {
        Ok(())
    }

    #[inline]
    #[expect(clippy::unused_self, reason = "with the feature it does something")]
    pub(super) fn end_cluster(&mut self) {}

    #[inline]
    #[expect(clippy::unused_self, reason = "with the feature it does something")]
    pub(super) fn has_cluster_work(&self) -> bool {
        false
    }

    #[inline]
    #[expect(clippy::unused_self, reason = "with the feature it does something")]
    pub(super) fn cluster_may_wait(&self) -> Option<Duration> {
        None
    }

    #[inline]
    #[expect(clippy::unused_self, reason = "with the feature it does something")]
    pub(super) fn stand_ins(&self) -> usize {
        0
    }

    #[expect(clippy::unused_self, reason = "with the feature it does something")]
    pub(super) fn leave_cluster(&mut self) {}
}

//! What every image has to do: send back each of these messages.

/// Messages that go out and come back.
pub(crate) const MESSAGES: usize = 300;
/// So many are under way at once.
pub(crate) const AHEAD: usize = 4;

/// The messages in order, and how far they have come.
#[derive(Debug, Default)]
pub(crate) struct Job {
    sent: usize,
    back: usize,
}

impl Job {
    /// Message `n`: 2 to 256 bytes, none of which begins like a call of object 0 or a broadcast.
    pub(crate) fn message(n: usize) -> Vec<u8> {
        let length = 2 + n * 67 % 255;
        (0..length).map(|k| if k == 0 { 7 } else { (n * 31 + k * 7).to_le_bytes()[0] }).collect()
    }

    /// The next message, if it is to go out now.
    pub(crate) fn next(&self) -> Option<Vec<u8>> {
        (self.sent < MESSAGES && self.sent < self.back + AHEAD).then(|| Self::message(self.sent))
    }

    /// It has gone out.
    pub(crate) fn sent(&mut self) {
        self.sent += 1;
    }

    /// One has come back: says whether it is the right one.
    pub(crate) fn came_back(&mut self, bytes: &[u8]) -> bool {
        let right = self.back < self.sent && bytes == Self::message(self.back);
        self.back += 1;
        right
    }

    /// Whether all have come back.
    pub(crate) fn is_done(&self) -> bool {
        self.back == MESSAGES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_all_lengths_and_are_known_from_each_other() {
        let lengths: std::collections::BTreeSet<usize> =
            (0..MESSAGES).map(|n| Job::message(n).len()).collect();
        assert_eq!((lengths.first(), lengths.last()), (Some(&2), Some(&256)));
        assert!(lengths.len() > 200, "{}", lengths.len());
        assert!((1..MESSAGES).all(|n| Job::message(n - 1) != Job::message(n)));
    }

    #[test]
    fn wrong_and_untimely_answers_are_noticed() {
        let mut job = Job::default();
        assert!(!job.came_back(&Job::message(0)), "it has not been sent");
        let mut job = Job::default();
        job.sent();
        assert!(job.came_back(&Job::message(0)));
        job.sent();
        assert!(!job.came_back(&Job::message(0)), "the first one again");
    }
}

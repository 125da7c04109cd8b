//! How many connections each subject of tokens has.

use std::collections::HashMap;

use crate::access::Denied;

/// Connections of each subject, those without a name left out. Has no more entries than there are
/// connections.
#[derive(Debug, Default)]
pub(crate) struct Subjects {
    connections: HashMap<String, u32>,
}

impl Subjects {
    /// One more, unless it has as many as it may; 0 or `None`: no limit.
    ///
    /// # Errors
    /// It has too many.
    pub(crate) fn add(&mut self, subject: &str, most: Option<u32>) -> Result<(), Denied> {
        if subject.is_empty() {
            return Ok(());
        }
        let count = self.connections.get_mut(subject);
        let most = most.filter(|most| *most > 0).unwrap_or(u32::MAX);
        match count {
            Some(count) if *count >= most => return Err(Denied::Connections),
            Some(count) => *count += 1,
            None => {
                self.connections.insert(subject.to_owned(), 1);
            }
        }
        Ok(())
    }

    /// One less.
    pub(crate) fn remove(&mut self, subject: &str) {
        let Some(count) = self.connections.get_mut(subject) else { return };
        *count -= 1;
        if *count == 0 {
            self.connections.remove(subject);
        }
    }

    /// Bytes of memory that it takes, about; the names are counted with their permits.
    pub(crate) fn memory(&self) -> usize {
        self.connections.capacity() * 2 * size_of::<(String, u32)>()
    }

    /// How many subjects have connections.
    pub(crate) fn len(&self) -> usize {
        self.connections.len()
    }
}

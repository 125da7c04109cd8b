//! Pieces that are queued without a copy, because they lie in what was read last.
//!
//! A loan begins and ends while one connection is served: what its receivers' sockets have not
//! taken by then is copied into their queues, and the buffer can be read into again.

use std::io::IoSlice;
use std::ops::Range;
use std::sync::Arc;

/// A shorter piece is copied: that costs less than two more slices of a write.
pub(crate) const LONG: usize = 4096;

/// Bytes that lie elsewhere and are kept for one queue behind what it has on loan, at most:
/// headers, and short units that were put together.
const COPIED: usize = 8192;

/// Pieces of one queue at once. With their headers they fit into one write.
const PIECES: usize = 24;

/// Queues that have loans at once.
const QUEUES: usize = 16;

/// Bytes of the list's own, and behind them bytes of the input.
#[derive(Clone, Debug)]
struct Piece {
    copied: Range<usize>,
    lent: Range<usize>,
}

impl Piece {
    fn len(&self) -> usize {
        self.copied.len() + self.lent.len()
    }

    /// Both parts but for the first `skip` bytes.
    fn parts<'a>(&self, copied: &'a [u8], input: &'a [u8], skip: usize) -> [&'a [u8]; 2] {
        let of_copied = skip.min(self.copied.len());
        let of_lent = (skip - of_copied).min(self.lent.len());
        [&copied[self.copied.clone()][of_copied..], &input[self.lent.clone()][of_lent..]]
    }
}

/// What one queue has on loan, behind all that it has copied.
#[derive(Debug, Default)]
struct List {
    /// The connection whose queue it is.
    of: u32,
    pieces: Vec<Piece>,
    /// What lies in front of what is lent.
    copied: Vec<u8>,
    /// Bytes of the first piece that are written.
    skip: usize,
    /// Bytes that are not written.
    len: usize,
    /// Bytes of the queue's last block that are in use.
    tail: usize,
}

/// The input that pieces are lent of, and what of it is on loan.
#[derive(Debug, Default)]
pub(crate) struct Loans {
    /// `None` while nothing can be lent.
    input: Option<Arc<[u8]>>,
    lists: Vec<List>,
    /// How many of the lists are in use since the input came.
    used: usize,
}

/// A queue's list. `NONE`: it has nothing on loan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Loan(u32);

impl Loan {
    pub(crate) const NONE: Self = Self(0);

    #[inline]
    pub(crate) fn is_none(self) -> bool {
        self == Self::NONE
    }
}

impl Loans {
    /// Pieces of `input` may be lent from now on.
    pub(crate) fn begin(&mut self, input: Arc<[u8]>) {
        (self.input, self.used) = (Some(input), 0);
    }

    /// Nothing can be lent any more. All loans are over.
    pub(crate) fn end(&mut self) {
        (self.input, self.used) = (None, 0);
    }

    /// A queue's list, and how many bytes of its last block are in use. `None` if there are too
    /// many.
    pub(crate) fn open(&mut self, of: u32, tail: usize) -> Option<Loan> {
        self.input.as_ref()?;
        let at = self.used;
        if at == QUEUES {
            return None;
        }
        if at == self.lists.len() {
            self.lists.push(List::default());
        }
        let list = &mut self.lists[at];
        (list.of, list.tail) = (of, tail);
        self.used += 1;
        Some(Loan(u32::try_from(at + 1).unwrap_or_default()))
    }

    /// Takes back a list that is in use, and says whose it is or was.
    pub(crate) fn take_back(&mut self) -> Option<u32> {
        self.used = self.used.checked_sub(1)?;
        self.lists.get(self.used).map(|list| list.of)
    }

    /// Empties a list.
    pub(crate) fn close(&mut self, loan: Loan) {
        let Some(list) = self.list_mut(loan) else { return };
        list.pieces.clear();
        list.copied.clear();
        (list.skip, list.len, list.tail) = (0, 0, 0);
    }

    /// Puts a piece at the end of a list. A short payload that does not lie in the input is copied.
    /// `false` if a long one does not, or there are too many.
    pub(crate) fn lend(&mut self, loan: Loan, header: &[u8], payload: &[u8]) -> bool {
        let lent = self.input.as_ref().and_then(|input| range_in(input, payload));
        let Some(list) = self.list_mut(loan) else { return false };
        let (lent, copied) = match lent {
            Some(lent) => (lent, &[][..]),
            None => (0..0, payload),
        };
        let start = list.copied.len();
        let end = start + header.len() + copied.len();
        if list.pieces.len() == PIECES || end > COPIED {
            return false;
        }
        list.copied.extend_from_slice(header);
        list.copied.extend_from_slice(copied);
        let piece = Piece { copied: start..end, lent };
        list.len += piece.len();
        list.pieces.push(piece);
        true
    }

    /// Bytes that a queue has on loan.
    pub(crate) fn len(&self, loan: Loan) -> usize {
        self.list(loan).map_or(0, |list| list.len)
    }

    /// Bytes of the queue's last block that are in use.
    pub(crate) fn tail(&self, loan: Loan) -> usize {
        self.list(loan).map_or(0, |list| list.tail)
    }

    /// Fills in what is to be written next, `most` bytes at most. Says how many slices and how many
    /// bytes there are.
    pub(crate) fn slices<'a>(
        &'a self,
        loan: Loan,
        slices: &mut [IoSlice<'a>],
        most: usize,
    ) -> (usize, usize) {
        let (mut count, mut offered) = (0, 0);
        let parts = self.parts(loan).filter(|part| !part.is_empty());
        for (slice, part) in slices.iter_mut().zip(parts) {
            if offered == most {
                break;
            }
            let len = part.len().min(most - offered);
            *slice = IoSlice::new(&part[..len]);
            offered += len;
            count += 1;
        }
        (count, offered)
    }

    /// What a queue has on loan and is not written, in parts.
    pub(crate) fn parts(&self, loan: Loan) -> impl Iterator<Item = &[u8]> {
        let input: &[u8] = self.input.as_deref().unwrap_or_default();
        let list = self.list(loan);
        let mut skip = list.map_or(0, |list| list.skip);
        let (pieces, copied) = list.map_or((&[][..], &[][..]), |list| (&list.pieces, &list.copied));
        pieces.iter().flat_map(move |piece| piece.parts(copied, input, std::mem::take(&mut skip)))
    }

    /// Forgets so many bytes from the beginning.
    pub(crate) fn consume(&mut self, loan: Loan, taken: usize) {
        let Some(list) = self.list_mut(loan) else { return };
        list.len = list.len.saturating_sub(taken);
        list.skip += taken;
        let mut written = 0;
        for piece in &list.pieces {
            if list.skip < piece.len() {
                break;
            }
            list.skip -= piece.len();
            written += 1;
        }
        list.pieces.drain(..written);
    }

    fn list(&self, loan: Loan) -> Option<&List> {
        self.lists.get((loan.0 as usize).checked_sub(1)?)
    }

    fn list_mut(&mut self, loan: Loan) -> Option<&mut List> {
        self.lists.get_mut((loan.0 as usize).checked_sub(1)?)
    }
}

/// Where in `input` the bytes of `part` lie. `None` if they lie elsewhere.
fn range_in(input: &[u8], part: &[u8]) -> Option<Range<usize>> {
    if part.is_empty() {
        return Some(0..0);
    }
    let start = part.as_ptr().addr().checked_sub(input.as_ptr().addr())?;
    let end = start.checked_add(part.len())?;
    (end <= input.len()).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use std::io::{self, IoSlice, Write};
    use std::sync::Arc;

    use proptest::prelude::*;

    use crate::loans::{LONG, PIECES, QUEUES};
    use crate::queue::{BLOCK, Pool, Queue};

    /// Takes so many bytes.
    struct Taking<'a>(&'a mut Vec<u8>, usize);

    impl Write for Taking<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.write_vectored(&[IoSlice::new(bytes)])
        }

        fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            let before = self.1;
            for slice in slices {
                let taken = slice.len().min(self.1);
                self.0.extend(&slice[..taken]);
                self.1 -= taken;
            }
            Ok(before - self.1)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn push(queue: &mut Queue, header: &[u8], payload: &[u8], pool: &mut Pool) {
        if queue.push_short(header, payload) || queue.push(header, payload) {
            return;
        }
        if payload.len() < LONG || !queue.lend(1, header, payload, pool) {
            queue.push_elsewhere(header, payload, pool);
        }
    }

    fn input() -> Arc<[u8]> {
        (0u32..65_536).map(|i| (i ^ (i >> 7)).to_le_bytes()[0]).collect()
    }

    proptest! {
        /// Whatever is lent, copied, taken and settled in between.
        #[test]
        fn bytes_come_out_as_they_went_in(
            steps in proptest::collection::vec((0u8..8, 0usize..65_536, 0usize..20_000), 0..80),
        ) {
            let input = input();
            let mut pool = Pool::new(1 << 30);
            let mut queue = Queue::default();
            pool.begin_lending(Arc::clone(&input));
            let (mut sent, mut got) = (Vec::new(), Vec::new());
            for (what, at, len) in steps {
                match what {
                    0 => {
                        let elsewhere = vec![7; len];
                        push(&mut queue, &[1, 2], &elsewhere, &mut pool);
                        sent.extend([&[1, 2], &elsewhere[..]].concat());
                    }
                    1 => {
                        queue.write_to(Taking(&mut got, at), &mut pool).unwrap();
                    }
                    2 => queue.settle(&mut pool),
                    3 if at % 4 == 0 => {
                        queue.clear(&mut pool);
                        sent.truncate(got.len());
                    }
                    _ => {
                        let payload = &input[at..(at + len).min(input.len())];
                        push(&mut queue, &[3, 4, 5], payload, &mut pool);
                        sent.extend([&[3, 4, 5], payload].concat());
                    }
                }
                prop_assert_eq!(queue.len(), sent.len() - got.len());
            }
            queue.settle(&mut pool);
            pool.end_lending();
            prop_assert!(pool.used() <= (queue.len() / BLOCK + 2) * BLOCK);
            while !queue.is_empty() {
                queue.write_to(Taking(&mut got, 5000), &mut pool).unwrap();
            }
            prop_assert!(sent == got && pool.used() == 0);
        }
    }

    #[test]
    fn long_pieces_are_not_copied_and_others_are() {
        let input = input();
        let mut pool = Pool::new(1 << 30);
        let mut queue = Queue::default();
        push(&mut queue, b"head", &input[..LONG], &mut pool);
        assert_eq!(queue.on_loan(&pool), 0, "nothing is lent yet");
        pool.begin_lending(Arc::clone(&input));
        push(&mut queue, b"head", &input[..BLOCK], &mut pool);
        push(&mut queue, b"head", &input[..10], &mut pool);
        assert_eq!(queue.on_loan(&pool), BLOCK + 10 + 8, "and what lies behind a long one");
        push(&mut queue, b"notice", &[], &mut pool);
        assert_eq!(queue.on_loan(&pool), BLOCK + 10 + 8 + 6);
        push(&mut queue, b"head", &[7; 100], &mut pool);
        assert_eq!(queue.on_loan(&pool), BLOCK + 10 + 8 + 6 + 104, "short, and copied");
        push(&mut queue, b"head", &[7; BLOCK], &mut pool);
        assert_eq!(queue.on_loan(&pool), 0, "it lies elsewhere");
        queue.clear(&mut pool);
        assert_eq!(pool.used(), 0);
    }

    #[test]
    fn there_are_only_so_many_loans() {
        let input = input();
        let mut pool = Pool::new(1 << 30);
        pool.begin_lending(Arc::clone(&input));
        let mut queues: Vec<Queue> = (0..=QUEUES).map(|_| Queue::default()).collect();
        for queue in &mut queues {
            push(queue, &[], &input[..LONG], &mut pool);
        }
        let lent = queues.iter().filter(|queue| queue.on_loan(&pool) > 0).count();
        assert_eq!(lent, QUEUES);
        for _ in 0..PIECES {
            push(&mut queues[0], &[], &input[..10], &mut pool);
        }
        assert_eq!((queues[0].on_loan(&pool), queues[0].len()), (0, LONG + PIECES * 10));
        let named: Vec<u32> = std::iter::from_fn(|| pool.next_borrower()).collect();
        assert_eq!(named.len(), QUEUES);
    }
}

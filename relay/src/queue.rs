//! Bytes that wait to be written: queues made of blocks from one pool with a budget.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use std::sync::Arc;

use crate::loans::{Loan, Loans};

/// Bytes in a block.
pub(crate) const BLOCK: usize = 8 * 1024;

/// Bytes that are copied without a call, at most.
const SHORT: usize = 4 + 32;

/// Blocks written with one system call, at most. Few in the simulation, so that there is often
/// something left.
const SLICES: usize = if cfg!(simulated) { 2 } else { 64 };

/// Blocks that are kept when nobody uses them.
const KEPT: usize = 256;

/// A connection may always have this many bytes in memory, however little the budget has left: two
/// blocks of its queue, what it has sent but cannot be routed yet, and a WebSocket. (An HTTP
/// request comes at a time at which nothing is queued.)
const RESERVE: usize = 2 * BLOCK + LEAST_READ + TRANSPORT;

/// Bytes of the largest transport beside its queue.
pub(crate) const TRANSPORT: usize = 2048;

/// Bytes that one read may return at least, however little the budget has left.
pub(crate) const LEAST_READ: usize = 1024;

/// A queue (or a read) may take this part of what the budget has left. So however many take as much
/// as they can get, there is something left for the others.
const SHARE: usize = 8;

type Block = Box<[u8; BLOCK]>;

/// The blocks that nobody uses, and how much memory all queues may take together.
#[derive(Debug)]
pub(crate) struct Pool {
    unused: Vec<Block>,
    /// Bytes in use: blocks in queues, and bytes that wait to be routed.
    used: usize,
    budget: usize,
    /// Bytes that connections may always have.
    reserved: usize,
    /// What one queue may hold by all that. It is asked for with each unit, and the rest changes
    /// with each block.
    share: usize,
    /// What queues hold without a copy.
    loans: Loans,
    /// Where TLS makes its records.
    #[cfg(feature = "tls")]
    pub(crate) scratch: crate::tls::records::Scratch,
}

impl Pool {
    pub(crate) fn new(budget: usize) -> Self {
        let mut pool = Self {
            unused: Vec::new(),
            used: 0,
            budget,
            reserved: 0,
            share: 0,
            loans: Loans::default(),
            #[cfg(feature = "tls")]
            scratch: crate::tls::records::Scratch::default(),
        };
        pool.divide();
        pool
    }

    /// Works out the share anew.
    #[inline]
    fn divide(&mut self) {
        self.share = (self.left() / SHARE).max(BLOCK);
    }

    /// Whether more is used than may be.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.used > self.budget
    }

    /// Bytes that one queue may hold at most, whatever its endpoint was promised: a quarter of all,
    /// or what it may hold anyway.
    pub(crate) fn most(&self, queue_bytes: usize) -> usize {
        (self.budget / 4).max(queue_bytes.saturating_mul(2))
    }

    /// Changes how much memory all queues may take together. What is used already stays.
    pub(crate) fn set_budget(&mut self, budget: usize) {
        self.budget = budget;
        self.divide();
    }

    pub(crate) fn used(&self) -> usize {
        self.used
    }

    pub(crate) fn reserved(&self) -> usize {
        self.reserved
    }

    /// A connection has come: what it may always have, `more` than others, is not there for the
    /// others.
    pub(crate) fn reserve(&mut self, more: usize) {
        self.reserved += RESERVE + more;
        self.divide();
    }

    /// The counterpart of [`reserve`](Self::reserve).
    pub(crate) fn unreserve(&mut self, more: usize) {
        self.reserved = self.reserved.saturating_sub(RESERVE + more);
        self.divide();
    }

    /// What is left to be shared.
    #[inline]
    fn left(&self) -> usize {
        self.budget.saturating_sub(self.used).saturating_sub(self.reserved)
    }

    /// Bytes that one queue may hold now.
    #[inline]
    pub(crate) fn share(&self) -> usize {
        self.share
    }

    /// Bytes that one read may return now.
    pub(crate) fn read_share(&self) -> usize {
        (self.left() / SHARE).max(LEAST_READ)
    }

    /// Counts bytes that lie elsewhere.
    pub(crate) fn add(&mut self, bytes: usize) {
        self.used += bytes;
        self.divide();
    }

    /// The counterpart of [`add`](Self::add).
    pub(crate) fn remove(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes);
        self.divide();
    }

    /// Queues may hold pieces of `input` without a copy from now on, until
    /// [`end_lending`](Self::end_lending).
    pub(crate) fn begin_lending(&mut self, input: Arc<[u8]>) {
        self.loans.begin(input);
    }

    /// Nothing more is lent. Every queue that had something on loan must have been
    /// [settled](Queue::settle).
    pub(crate) fn end_lending(&mut self) {
        self.loans.end();
    }

    /// A connection whose queue may have something on loan. Each is named once.
    pub(crate) fn next_borrower(&mut self) -> Option<u32> {
        self.loans.take_back()
    }

    fn take(&mut self) -> Block {
        self.used += BLOCK;
        self.divide();
        self.unused.pop().unwrap_or_else(|| Box::new([0; BLOCK]))
    }

    fn give(&mut self, block: Block) {
        self.used = self.used.saturating_sub(BLOCK);
        self.divide();
        if self.unused.len() < KEPT {
            self.unused.push(block);
        }
    }
}

/// What waits to be written to one connection. Has no block while it is empty.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// The blocks before the last, all full.
    full: VecDeque<Block>,
    /// The block that is being filled.
    last: Option<Block>,
    len: usize,
    /// Bytes of the first block that are written already.
    head: usize,
    /// Bytes of the last block that are in use; all of it while something is on loan, which lies
    /// behind it.
    tail: usize,
    /// What lies in the input still, behind all blocks.
    loan: Loan,
}

impl Queue {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Puts both at the end of the last block. `false` if they have no room there: then they go
    /// [elsewhere](Self::push_elsewhere).
    #[inline]
    #[must_use]
    pub(crate) fn push(&mut self, header: &[u8], payload: &[u8]) -> bool {
        let total = header.len() + payload.len();
        let tail = self.tail;
        let Some(room) = self.last.as_mut().and_then(|block| block.get_mut(tail..tail + total)) else {
            return false;
        };
        let (front, back) = room.split_at_mut(header.len());
        // a copy of unknown length is a function call; headers are a few bytes
        match (&mut *front, header) {
            ([a, b], [x, y]) => (*a, *b) = (*x, *y),
            ([a, b, c], [x, y, z]) => (*a, *b, *c) = (*x, *y, *z),
            (front, header) => front.copy_from_slice(header),
        }
        back.copy_from_slice(payload);
        self.tail += total;
        self.len += total;
        true
    }

    /// [`push`](Self::push) of what nearly all messages are, without a call: a header of two to
    /// four bytes, and a payload of 8 to 32. `false` for everything else.
    #[inline]
    #[must_use]
    pub(crate) fn push_short(&mut self, header: &[u8], payload: &[u8]) -> bool {
        // room for the longest, so that one comparison is enough
        let behind = self.last.as_mut().and_then(|block| block.get_mut(self.tail..));
        let Some(room) = behind.and_then(|behind| behind.first_chunk_mut::<SHORT>()) else {
            return false;
        };
        if header.len() > 4 || payload.len() > SHORT - 4 {
            return false;
        }
        let total = header.len() + payload.len();
        let (front, back) = room[..total].split_at_mut(header.len());
        let is_copied = copy_ends::<2>(front, header)
            && (copy_ends::<16>(back, payload) || copy_ends::<8>(back, payload));
        if is_copied {
            self.tail += total;
            self.len += total;
        }
        is_copied
    }

    /// Puts both at the end without copying the payload. `false` if it has to be copied.
    ///
    /// The payload has to lie in the input of [`Pool::begin_lending`].
    #[cold]
    pub(crate) fn lend(&mut self, of: u32, header: &[u8], payload: &[u8], pool: &mut Pool) -> bool {
        if self.loan.is_none() {
            let Some(loan) = pool.loans.open(of, self.tail) else { return false };
            // so nothing is put there as long as something lies behind it
            (self.loan, self.tail) = (loan, BLOCK);
        }
        let is_lent = pool.loans.lend(self.loan, header, payload);
        if is_lent {
            let len = header.len() + payload.len();
            self.len += len;
            pool.add(len);
        } else {
            self.settle(pool);
        }
        is_lent
    }

    /// Bytes that are on loan.
    pub(crate) fn on_loan(&self, pool: &Pool) -> usize {
        pool.loans.len(self.loan)
    }

    /// Copies what is on loan.
    pub(crate) fn settle(&mut self, pool: &mut Pool) {
        if self.loan.is_none() {
            return;
        }
        let loan = std::mem::take(&mut self.loan);
        let len = pool.loans.len(loan);
        self.tail = pool.loans.tail(loan);
        self.len -= len;
        pool.remove(len);
        if len > 0 {
            let loans = std::mem::take(&mut pool.loans);
            loans.parts(loan).for_each(|part| self.push_across(part, pool));
            pool.loans = loans;
        }
        pool.loans.close(loan);
    }

    /// Puts both at the end of the queue, in a new block if need be.
    pub(crate) fn push_elsewhere(&mut self, header: &[u8], payload: &[u8], pool: &mut Pool) {
        if !self.loan.is_none() && self.lend(0, header, payload, pool) {
            return;
        }
        self.push_across(header, pool);
        self.push_across(payload, pool);
    }

    fn push_across(&mut self, mut bytes: &[u8], pool: &mut Pool) {
        self.len += bytes.len();
        while !bytes.is_empty() {
            if self.last.is_none() || self.tail == BLOCK {
                self.full.extend(self.last.replace(pool.take()));
                self.tail = 0;
            }
            if let Some(block) = &mut self.last {
                let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.tail));
                block[self.tail..self.tail + now.len()].copy_from_slice(now);
                self.tail += now.len();
                bytes = later;
            }
        }
    }

    /// Writes once, up to a number of blocks. Says how many bytes were taken and how many there
    /// were.
    pub(crate) fn write_to(&mut self, mut to: impl Write, pool: &mut Pool) -> io::Result<(usize, usize)> {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let (count, offered) = self.slices(pool, &mut slices, usize::MAX);
        let taken = match &slices[..count] {
            [] => return Ok((0, 0)),
            [one] => to.write(one)?,
            several => to.write_vectored(several)?,
        };
        self.consume(taken, pool);
        Ok((taken, offered))
    }

    /// Fills in what is to be written next, `most` bytes at most. Says how many slices and how many
    /// bytes there are.
    #[inline]
    pub(crate) fn slices<'a>(
        &'a self,
        pool: &'a Pool,
        slices: &mut [IoSlice<'a>],
        most: usize,
    ) -> (usize, usize) {
        let mut offered = 0;
        let last = self.full.len();
        let tail = if self.loan.is_none() { self.tail } else { pool.loans.tail(self.loan) };
        let mut count = 0;
        for (index, (slice, block)) in slices.iter_mut().zip(self.full.iter().chain(&self.last)).enumerate() {
            let start = if index == 0 { self.head } else { 0 };
            let end = if index == last { tail } else { BLOCK };
            let end = end.min(start.saturating_add(most - offered));
            *slice = IoSlice::new(&block[start..end]);
            offered += end - start;
            count = index + 1;
            if offered == most {
                break;
            }
        }
        if self.loan.is_none() || count == slices.len() {
            return (count, offered);
        }
        let (more, bytes) = pool.loans.slices(self.loan, &mut slices[count..], most - offered);
        (count + more, offered + bytes)
    }

    /// Forgets so many bytes from the beginning.
    pub(crate) fn consume(&mut self, taken: usize, pool: &mut Pool) {
        let on_loan = if self.loan.is_none() { 0 } else { pool.loans.len(self.loan) };
        let of_blocks = self.len - on_loan;
        self.len = self.len.saturating_sub(taken);
        if self.len == 0 {
            return self.clear(pool);
        }
        if on_loan > 0 && taken >= of_blocks {
            self.clear_blocks(pool);
            pool.loans.consume(self.loan, taken - of_blocks);
            return pool.remove(taken - of_blocks);
        }
        self.head += taken;
        while self.head >= BLOCK {
            self.head -= BLOCK;
            if let Some(block) = self.full.pop_front() {
                pool.give(block);
            }
        }
    }

    /// Forgets all but the first `len` bytes.
    pub(crate) fn truncate(&mut self, len: usize, pool: &mut Pool) {
        self.settle(pool);
        if len == 0 {
            return self.clear(pool);
        }
        if len >= self.len {
            return;
        }
        let end = self.head + len;
        let before_last = (end - 1) / BLOCK;
        if before_last < self.full.len() {
            let mut cut = self.full.drain(before_last..);
            let last = std::mem::replace(&mut self.last, cut.next());
            cut.chain(last).for_each(|block| pool.give(block));
        }
        (self.len, self.tail) = (len, end - before_last * BLOCK);
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self, pool: &mut Pool) {
        if !self.loan.is_none() {
            let loan = std::mem::take(&mut self.loan);
            pool.remove(pool.loans.len(loan));
            pool.loans.close(loan);
        }
        self.clear_blocks(pool);
        self.len = 0;
    }

    fn clear_blocks(&mut self, pool: &mut Pool) {
        for block in self.full.drain(..).chain(self.last.take()) {
            pool.give(block);
        }
        if self.full.capacity() > 16 {
            self.full = VecDeque::new();
        }
        (self.head, self.tail) = (0, 0);
    }
}

/// Copies the first and the last `N` bytes, which are all if there are no more than twice as many.
/// `false` if there are less.
#[inline]
fn copy_ends<const N: usize>(to: &mut [u8], from: &[u8]) -> bool {
    if let (Some(first), Some(last)) = (from.first_chunk::<N>(), from.last_chunk::<N>())
        && let Some(front) = to.first_chunk_mut()
    {
        *front = *first;
        if let Some(back) = to.last_chunk_mut() {
            *back = *last;
        }
        return true;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Queue {
        fn add(&mut self, header: &[u8], payload: &[u8], pool: &mut Pool) {
            if !self.push_short(header, payload) && !self.push(header, payload) {
                self.push_elsewhere(header, payload, pool);
            }
        }
    }

    /// Takes a few bytes at a time.
    struct Slow<'a>(&'a mut Vec<u8>, usize);

    impl Write for Slow<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let len = bytes.len().min(self.1);
            self.0.extend(&bytes[..len]);
            Ok(len)
        }

        fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            let mut taken = 0;
            for slice in slices {
                let len = slice.len().min(self.1 - taken);
                self.0.extend(&slice[..len]);
                taken += len;
            }
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn bytes_come_out_as_they_went_in_whatever_is_taken_at_once() {
        for (piece, at_once) in [
            (1, 7),
            (7, 9),
            (8, 9),
            (13, 40),
            (16, 3),
            (17, 90),
            (31, 8),
            (32, 50),
            (33, 4),
            (19, 5000),
            (5000, 19),
            (40_000, 100_000),
            (BLOCK, BLOCK),
            (BLOCK + 1, 1 << 20),
        ] {
            let mut pool = Pool::new(1 << 30);
            let mut queue = Queue::default();
            let (mut sent, mut got) = (Vec::<u8>::new(), Vec::<u8>::new());
            for round in 0..100u32 {
                let header = [round.to_le_bytes()[0]; 3];
                let payload: Vec<u8> = (0u32..).take(piece).map(|i| (i ^ round).to_le_bytes()[0]).collect();
                queue.add(&header, &payload, &mut pool);
                sent.extend(header.iter().chain(&payload));
                let (taken, offered) = queue.write_to(Slow(&mut got, at_once), &mut pool).unwrap();
                assert!(taken <= offered && offered <= queue.len() + taken);
                assert_eq!(queue.len(), sent.len() - got.len());
                let blocks = queue.len().div_ceil(BLOCK);
                assert!((blocks * BLOCK..=(blocks + 1) * BLOCK).contains(&pool.used()) || queue.is_empty());
            }
            while !queue.is_empty() {
                queue.write_to(Slow(&mut got, at_once), &mut pool).unwrap();
            }
            assert!(sent == got && pool.used() == 0);
        }
    }

    #[test]
    fn what_is_cut_off_at_the_end_does_not_come_out() {
        for written in [0, 1, 100, BLOCK - 1, BLOCK, BLOCK + 1] {
            for len in [0, 1, 100, BLOCK - 101, BLOCK - 100, BLOCK, 2 * BLOCK, 3 * BLOCK - 100, 1 << 20] {
                let mut pool = Pool::new(1 << 30);
                let mut queue = Queue::default();
                let mut sent: Vec<u8> =
                    (0u32..).take(3 * BLOCK).map(|i| (i ^ (i >> 8)).to_le_bytes()[0]).collect();
                queue.add(&sent, &[], &mut pool);
                queue.consume(written, &mut pool);
                sent.drain(..written);
                queue.truncate(len, &mut pool);
                sent.truncate(len);
                queue.add(b"more", &[], &mut pool);
                sent.extend(b"more");
                assert_eq!(queue.len(), sent.len());
                // and never more than is asked for
                let mut slices = [IoSlice::new(&[]); SLICES];
                let (count, bytes) = queue.slices(&pool, &mut slices, 50);
                assert_eq!(bytes, sent.len().min(50));
                assert!(slices[..count].iter().flat_map(|slice| slice.iter()).eq(&sent[..bytes]));
                let mut got = Vec::new();
                while !queue.is_empty() {
                    queue.write_to(Slow(&mut got, 5000), &mut pool).unwrap();
                }
                assert!(got == sent && pool.used() == 0, "{written} bytes written, {len} left");
            }
        }
    }

    /// What connections may always have is not there for the others.
    #[test]
    fn what_is_reserved_is_not_shared() {
        let mut pool = Pool::new(1 << 20);
        assert_eq!((pool.share(), pool.read_share()), ((1 << 20) / SHARE, (1 << 20) / SHARE));
        pool.reserve(1000);
        let left = (1 << 20) - RESERVE - 1000;
        assert_eq!((pool.share(), pool.read_share()), (left / SHARE, left / SHARE));
        (0..100).for_each(|_| pool.reserve(0));
        assert_eq!((pool.share(), pool.read_share()), (BLOCK, LEAST_READ), "never less than that");
        (0..100).for_each(|_| pool.unreserve(0));
        pool.unreserve(1000);
        assert_eq!((pool.share(), pool.reserved()), ((1 << 20) / SHARE, 0));
    }

    #[test]
    fn the_budget_leaves_something_for_everybody() {
        let mut pool = Pool::new(1 << 20);
        let mut queues: Vec<Queue> = (0..10).map(|_| Queue::default()).collect();
        queues.iter().for_each(|_| pool.reserve(0));
        for queue in &mut queues {
            while queue.len() < pool.share() {
                queue.add(&[0; 1000], &[], &mut pool);
            }
        }
        assert!(queues.iter().all(|queue| queue.len() >= BLOCK - 1000));
        assert!(pool.used() <= 1 << 20, "{}", pool.used());
        queues.iter_mut().for_each(|queue| queue.clear(&mut pool));
        assert_eq!(pool.used(), 0);
    }
}

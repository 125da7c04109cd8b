//! Remote procedure calls: recorded bytes of existing peers, faults, offers, both directions over a
//! real relay, errors at compile time.

mod answers;
mod calls;
mod channels;
mod compile_errors;
mod faults;
mod fragments;
mod interfaces;
mod kinds;
mod loopback;
mod offers;
mod peer;
mod recorded;
mod shown;

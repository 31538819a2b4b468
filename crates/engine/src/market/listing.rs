//! Listing conditions (R8).

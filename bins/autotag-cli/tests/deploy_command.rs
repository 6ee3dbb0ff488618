//! `autotag deploy`.

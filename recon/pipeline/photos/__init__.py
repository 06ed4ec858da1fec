"""One photo or video in, one usable photo out: kinds of files, decoding, copies, frames."""

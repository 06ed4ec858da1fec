"""The second factor at sign-in: codes of an app (TOTP), and recovery codes."""

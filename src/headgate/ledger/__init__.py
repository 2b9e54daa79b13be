"""Accounts by window, holds, leases, and the folding of journals into the store."""

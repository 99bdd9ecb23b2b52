"""Tenants, shops and enrolment, and the reach of each database session."""

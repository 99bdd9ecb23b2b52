"""Dataclasses in, documents out: receipts as ESC/POS bytes and pictures, PDF, XLSX, CSV.

Pure: no printer, no database, no web request.
"""

"""What can be wrong with a printer, each in a sentence a cashier can act on."""

from __future__ import annotations


class PrinterTrouble(Exception):
    """The job did not come out, or nobody knows. `code` is stable for machines; str() is for the cashier."""

    code = "printer-trouble"
    says = "the printer reports a fault. Look at its lights, then press Print"

    def __init__(self, says: str | None = None):
        self.reason = (says or self.says).split(". ")[0]
        super().__init__(f"Not printed: {says or self.says}.")


class PrinterOff(PrinterTrouble):
    code = "printer-off"
    says = "the printer cannot be reached. The sale is saved. Check its power and cable, then press Print"


class OutOfPaper(PrinterTrouble):
    code = "out-of-paper"
    says = "the printer is out of paper. The sale is saved. Load paper and press Print"


class CoverOpen(PrinterTrouble):
    code = "cover-open"
    says = "the printer's cover is open. The sale is saved. Close it and press Print"


class PrinterFault(PrinterTrouble):
    code = "printer-fault"
    says = "the printer reports a fault. The sale is saved. Turn the printer off and on, then press Print"


class Stalled(PrinterTrouble):
    code = "printer-stalled"
    says = "the printer has stopped answering. The sale is saved. Turn the printer off and on, then press Print"


class ConnectionLost(PrinterTrouble):
    code = "printer-lost"
    says = "the printer went away while printing. The sale is saved. Check its power and cable, then press Print"


class NotAPrinter(PrinterTrouble):
    code = "not-a-printer"
    says = "what answers at the printer's address is not a receipt printer. Correct the address in the printer settings"


class NotAllowed(PrinterTrouble):
    code = "printer-not-allowed"
    says = "this computer does not let us use the printer. Ask whoever set it up"


class Interrupted(PrinterTrouble):
    """We are stopping, not the printer."""

    code = "interrupted"
    says = "the computer was stopping. It is printed again"

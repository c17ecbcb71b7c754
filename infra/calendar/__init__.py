"""Where the days and hours of the exchanges are kept, and what writes from them the calendar that the layer carries."""

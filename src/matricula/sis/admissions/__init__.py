"""From enquiry and application to offer, decision and matriculation."""

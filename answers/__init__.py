"""What pages ask: questions to the store and analytics put together. Frames in the end; no pictures, no words."""

"""Read movies, masks, tracks and tables; write what came of them."""

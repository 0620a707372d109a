"""Parts of the Draw tab beside canvas and answers: why, uploads, MNIST's digits, the endpoint for programs."""

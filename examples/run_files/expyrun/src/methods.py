class Method:
    """Learns the mean of some numbers, in small steps."""

    def __init__(self, lr, epochs):
        self.lr, self.epochs, self.mean = lr, epochs, 0.0

    def fit(self, numbers):
        for _ in range(self.epochs):
            for number in numbers:
                self.mean += self.lr * (number - self.mean)

    def loss(self, numbers):
        return sum((number - self.mean) ** 2 for number in numbers) / len(numbers)

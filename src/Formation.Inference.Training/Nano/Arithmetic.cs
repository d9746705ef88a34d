namespace Formation.Inference.Training.Nano;

/// <summary>Sums and differences up to two digits, and the times tables.</summary>
public static class Arithmetic
{
    private static readonly string[] Forms =
    [
        "What is {0}?", "What is {0}?", "{0}", "{0} =", "{0} = ?", "{0}?", "How much is {0}?", "Compute {0}.", "Calculate {0}.",
    ];

    private static readonly string[] JsonForms =
        ["What is {0}? Answer as JSON.", "Give the result of {0} as JSON.", "Give me a JSON object with the result of {0}."];

    /// <summary>A task, and its answer as an equation.</summary>
    public static Exchange Ask(SeededRandom random)
    {
        var (left, sign, right, result) = Draw(random);
        var asJson = random.Chance(0.04);
        var form = random.Pick(asJson ? JsonForms : Forms);
        var written = $"{left} {Spoken(random, sign)} {right}";
        var answer = asJson ? $"{{\"result\": {result}}}" : $"{left} {sign} {right} = {result}.";
        return new Exchange(string.Format(System.Globalization.CultureInfo.InvariantCulture, form, written), answer);
    }

    /// <summary>An equation up to its sign of equality, and what follows.</summary>
    internal static (string Task, string Result) Equation(SeededRandom random)
    {
        var (left, sign, right, result) = Draw(random);
        return ($"{left} {sign} {right} =", $" {result}.");
    }

    private static (int Left, char Sign, int Right, int Result) Draw(SeededRandom random)
    {
        switch (random.Next(5))
        {
            case 0:
                int factor = random.Between(0, 12), times = random.Between(0, 12);
                return (factor, '*', times, factor * times);
            case 1 or 2:
                int left = Number(random, oneDigit: 0.2), right = Number(random, oneDigit: 0.3);
                return (left, '+', right, left + right);
            default:
                int high = Number(random, oneDigit: 0.2), low = Number(random, oneDigit: 0.3);
                if (high < low && random.Chance(0.9))
                    (high, low) = (low, high);
                return (high, '-', low, high - low);
        }
    }

    private static int Number(SeededRandom random, double oneDigit) => random.Chance(oneDigit) ? random.Next(10) : random.Next(100);

    private static string Spoken(SeededRandom random, char sign) => sign switch
    {
        '+' => random.Chance(0.25) ? "plus" : "+",
        '-' => random.Chance(0.25) ? "minus" : "-",
        _ => random.Pick(["times", "times", "*", "*", "x"]),
    };
}

namespace Formation.Inference.Training.Nano;

/// <summary>Makes words that do not exist: pronounceable ones from syllables, and known words with a part changed.</summary>
public sealed class PseudoWords
{
    private static readonly string[] Onsets =
    [
        "b", "bl", "br", "c", "ch", "cl", "cr", "d", "dr", "f", "fl", "fr", "g", "gl", "gr", "h", "j", "k", "kl", "l", "m", "n", "p", "ph",
        "pl", "pr", "qu", "r", "s", "sh", "sk", "sl", "sm", "sn", "sp", "st",
        "str", "t", "th", "tr", "tw", "v", "w", "x", "y", "z", "zh", "",
    ];

    private static readonly string[] Vowels = ["a", "e", "i", "o", "u", "a", "e", "i", "o", "u", "ee", "oo", "ai", "ou", "y", "ia"];

    private static readonly string[] Codas =
    [
        "", "", "", "b", "ck", "d", "f", "g", "ft", "k", "l", "lt", "m",
        "mp", "n", "nd", "ng", "nk", "p", "r", "rk", "rn", "rp", "s", "sk", "st",
        "t", "tch", "v", "x", "z", "zz",
    ];

    private static readonly string[] Endings =
        ["", "", "", "", "er", "le", "ism", "ness", "tion", "ity", "oid", "ant", "ium", "us", "a", "o", "ix", "on", "ing", "ette", "ax", "ment"];

    private readonly HashSet<string> _real;
    private readonly IReadOnlyList<Definition> _known;

    public PseudoWords(NanoData data)
    {
        _known = data.Definitions;
        _real = [.. data.Definitions.Select(d => d.Word), .. data.OtherWords];
    }

    /// <summary>A word that is in none of the lists.</summary>
    public string Make(SeededRandom random)
    {
        while (true)
        {
            var word = random.Chance(0.25) ? Change(random, random.Pick(_known).Word) : Compose(random);
            if (word.Length is >= 4 and <= 14 && !_real.Contains(word))
                return word;
        }
    }

    private static string Compose(SeededRandom random)
    {
        var word = "";
        for (var syllables = random.Between(1, 3); syllables > 0; syllables--)
            word += random.Pick(Onsets) + random.Pick(Vowels) + (syllables == 1 || random.Chance(0.4) ? random.Pick(Codas) : "");
        return word + random.Pick(Endings);
    }

    private static string Change(SeededRandom random, string word)
    {
        var place = random.Next(word.Length);
        var letter = (char)('a' + random.Next(26));
        return random.Next(3) switch
        {
            0 => word[..place] + letter + word[(place + 1)..],
            1 => word[..place] + letter + word[place..],
            _ => random.Pick(Onsets) + random.Pick(Vowels) + word,
        };
    }
}

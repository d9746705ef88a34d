using System.Text;

namespace Formation.Inference.Engine.Grammars;

/// <summary>What may stand at a place of a text. Texts are UTF-8, and matched byte by byte.</summary>
public abstract record GrammarExpression
{
    /// <summary>Nothing: the empty text.</summary>
    public static GrammarExpression Empty { get; } = new GrammarSequence([]);

    /// <summary>Exactly this text.</summary>
    public static GrammarExpression Text(string text) => new GrammarLiteral(Encoding.UTF8.GetBytes(text));

    /// <summary>One of the characters of some ranges.</summary>
    public static GrammarExpression Characters(params CharacterRange[] ranges) => new GrammarCharacters(CharacterRange.Normalize(ranges));

    /// <summary>One character that is in none of some ranges.</summary>
    public static GrammarExpression AnyBut(params CharacterRange[] ranges) => new GrammarCharacters(CharacterRange.Complement(ranges));

    /// <summary>All of these, one behind the other.</summary>
    public static GrammarExpression Sequence(params GrammarExpression[] parts) => parts is [var one] ? one : new GrammarSequence(parts);

    /// <summary>One of these.</summary>
    public static GrammarExpression Choice(params GrammarExpression[] alternatives) => alternatives is [var one] ? one : new GrammarChoice(alternatives);

    /// <summary>This, or nothing.</summary>
    public static GrammarExpression Optional(GrammarExpression item) => new GrammarRepetition(item, 0, 1);

    /// <summary>This some times.</summary>
    /// <param name="item">What.</param>
    /// <param name="least">From 0.</param>
    /// <param name="most">At most, or null for any number.</param>
    public static GrammarExpression Repeat(GrammarExpression item, int least, int? most) => new GrammarRepetition(item, least, most);

    /// <summary>What another rule says.</summary>
    public static GrammarExpression Rule(string name) => new GrammarReference(name);

    /// <summary>The same with something else for each of its literals, characters and references.</summary>
    internal GrammarExpression Replace(Func<GrammarExpression, GrammarExpression> leaf) => this switch
    {
        GrammarSequence sequence => new GrammarSequence([.. sequence.Parts.Select(part => part.Replace(leaf))]),
        GrammarChoice choice => new GrammarChoice([.. choice.Alternatives.Select(alternative => alternative.Replace(leaf))]),
        GrammarRepetition repetition => repetition with { Item = repetition.Item.Replace(leaf) },
        _ => leaf(this),
    };
}

/// <summary>Exactly these bytes.</summary>
public sealed record GrammarLiteral(ReadOnlyMemory<byte> Bytes) : GrammarExpression;

/// <summary>One character.</summary>
/// <param name="Ranges">In order, and apart from each other.</param>
public sealed record GrammarCharacters(IReadOnlyList<CharacterRange> Ranges) : GrammarExpression;

/// <summary>All of these, one behind the other.</summary>
public sealed record GrammarSequence(IReadOnlyList<GrammarExpression> Parts) : GrammarExpression;

/// <summary>One of these.</summary>
public sealed record GrammarChoice(IReadOnlyList<GrammarExpression> Alternatives) : GrammarExpression;

/// <summary>The same some times.</summary>
/// <param name="Item">What.</param>
/// <param name="Least">From 0.</param>
/// <param name="Most">At most, or null for any number.</param>
public sealed record GrammarRepetition(GrammarExpression Item, int Least, int? Most) : GrammarExpression;

/// <summary>What a rule of this name says.</summary>
public sealed record GrammarReference(string Name) : GrammarExpression;

using System.Numerics;

namespace Formation.Inference.Engine.Templates;

/// <summary>The evaluated arguments of a call, filter or test.</summary>
/// <param name="context">The render.</param>
/// <param name="callee">What is called, in the template's words, for error messages.</param>
internal sealed class Arguments(
    RenderContext context,
    string callee,
    IReadOnlyList<TemplateValue> positional,
    IReadOnlyList<KeyValuePair<string, TemplateValue>> named)
{
    public string Callee => callee;

    public IReadOnlyList<TemplateValue> Positional => positional;

    public IReadOnlyList<KeyValuePair<string, TemplateValue>> Named => named;

    /// <summary>Matches the arguments to parameter names; what is not given is null.</summary>
    public BoundArguments Bind(params ReadOnlySpan<string> parameters)
    {
        if (positional.Count > parameters.Length)
            throw context.Invalid($"{callee} takes at most {parameters.Length} arguments, not {positional.Count}.");
        var values = new TemplateValue?[parameters.Length];
        for (var i = 0; i < positional.Count; i++)
            values[i] = positional[i];
        foreach (var (name, value) in named)
        {
            var index = parameters.IndexOf(name);
            if (index < 0)
                throw context.Invalid($"{callee} has no parameter of one of the names given.");
            if (values[index] is not null)
                throw context.Invalid($"{callee} is given '{parameters[index]}' twice.");
            values[index] = value;
        }
        return new BoundArguments(context, callee, parameters.ToArray(), values);
    }

    /// <summary>The named arguments in their order; a name given twice is an error.</summary>
    public OrderedDictionary<string, TemplateValue> NamedByName()
    {
        var byName = new OrderedDictionary<string, TemplateValue>(StringComparer.Ordinal);
        foreach (var (name, value) in named)
        {
            if (!byName.TryAdd(name, value))
                throw context.Invalid($"{callee} is given one name twice.");
        }
        return byName;
    }

    /// <summary>Fails unless there are no arguments.</summary>
    public void BindNone() => Bind();
}

/// <summary>Arguments by parameter.</summary>
internal readonly struct BoundArguments(RenderContext context, string callee, string[] parameters, TemplateValue?[] values)
{
    public TemplateValue? this[int index] => values[index];

    public TemplateValue Required(int index) =>
        values[index] ?? throw context.Invalid($"{callee} needs the argument '{parameters[index]}'.");

    public bool Boolean(int index, bool defaultValue) => values[index]?.IsTruthy ?? defaultValue;

    public MarkedText Text(int index) => Required(index) is StringValue text ? text.Value : throw WrongType(index, "a string");

    public MarkedText? OptionalText(int index) => values[index] is null or NoneValue ? null : Text(index);

    /// <summary>An integer clamped to the range of <see cref="int"/>, or the default where the argument is absent or none.</summary>
    public int Integer(int index, int defaultValue)
    {
        if (values[index] is null or NoneValue)
            return defaultValue;
        var value = Numbers.AsInteger(values[index]!) ?? throw WrongType(index, "an integer");
        return (int)BigInteger.Max(int.MinValue, BigInteger.Min(int.MaxValue, value));
    }

    TemplateException WrongType(int index, string expected) =>
        values[index] is UndefinedValue undefined
            ? context.Undefined(undefined)
            : context.Invalid($"{callee} needs {expected} as '{parameters[index]}', not {values[index]!.TypeName}.");
}

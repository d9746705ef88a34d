using System.Numerics;
using System.Runtime.CompilerServices;

namespace Formation.Inference.Engine.Templates;

/// <summary>One render: its limits and what of them is used, its clock, and the place in the source that is being evaluated.</summary>
internal sealed class RenderContext(ChatTemplateLimits limits, TimeProvider timeProvider, CancellationToken cancellationToken)
{
    const int StepsBetweenCancellationChecks = 1024;

    /// <summary>An object takes about a hundred bytes; at this price all steps together buy somewhat over a hundred megabytes.</summary>
    const int StepsPerObject = 4;

    long _steps;
    long _nextCancellationCheck;
    int _depth;

    public ChatTemplateLimits Limits => limits;

    public TimeProvider TimeProvider => timeProvider;

    /// <summary>Where the expression or statement stands that is being evaluated; errors name it.</summary>
    public SourcePosition Position { get; set; } = SourcePosition.Start;

    /// <summary>Work done so far.</summary>
    public long Steps => _steps;

    /// <summary>Pays for work: nodes evaluated, elements visited or made.</summary>
    public void Charge(long steps)
    {
        _steps += steps;
        if (_steps > limits.MaxSteps)
            throw LimitExceeded($"rendering takes more than the limit of {limits.MaxSteps} steps.");
        if (_steps >= _nextCancellationCheck)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _nextCancellationCheck = _steps + StepsBetweenCancellationChecks;
        }
    }

    /// <summary>Pays for the memory of new objects (pieces of text, collections), which a template may keep.</summary>
    public void ChargeObjects(long count) => Charge(count * StepsPerObject);

    /// <summary>Pays for reading or writing text.</summary>
    public void ChargeText(long characters) => Charge(characters / ChatTemplateLimits.CharactersPerStep);

    /// <summary>Pays for a search, which in the worst case compares the pattern at every place.</summary>
    public void ChargeSearch(int length, int patternLength) => ChargeText(Math.Max(length, (long)length * patternLength / 64));

    /// <summary>Pays for reading a value once: a string's characters, a collection's elements.</summary>
    public void ChargeRead(TemplateValue value)
    {
        if (value is StringValue text)
            ChargeText(text.Value.Length);
        else if (value is ListValue list)
            Charge(list.Items.Count);
        else if (value is DictValue dict)
            Charge(dict.Items.Count);
    }

    /// <summary>Goes one level deeper; every call is paired with <see cref="Leave"/>. The stack itself is guarded as well.</summary>
    public void Enter()
    {
        if (++_depth > limits.MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw LimitExceeded($"evaluation nests deeper than the limit of {limits.MaxDepth} levels.");
    }

    public void Leave() => _depth--;

    /// <summary>Checks the size of a collection before it grows.</summary>
    public void CheckCollection(BigInteger count)
    {
        if (count > limits.MaxCollectionSize)
            throw LimitExceeded($"a list, range or mapping exceeds the limit of {limits.MaxCollectionSize} elements.");
    }

    public TemplateException LimitExceeded(string message) => new(TemplateErrorKind.LimitExceeded, message, Position);

    public TemplateException Invalid(string message) => new(TemplateErrorKind.InvalidOperation, message, Position);

    public TemplateException Unsupported(string message) => new(TemplateErrorKind.Unsupported, message, Position);

    public TemplateException Undefined(UndefinedValue value) =>
        new(TemplateErrorKind.Undefined, $"{value.Description} is undefined.", Position);
}

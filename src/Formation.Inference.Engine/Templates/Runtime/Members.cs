using System.Numerics;
using Formation.Inference.Engine.Templates.Builtins;

namespace Formation.Inference.Engine.Templates;

/// <summary>Attributes, items and slices of values. What a value does not have is undefined; an undefined value has nothing.</summary>
internal static class Members
{
    /// <summary><c>value.name</c>: a method or attribute first, then a mapping's entry.</summary>
    public static TemplateValue Attribute(RenderContext context, TemplateValue value, string name)
    {
        if (value is UndefinedValue undefined)
            throw context.Undefined(undefined);
        // Python's own machinery (__class__, __globals__ …), which a sandbox must not offer.
        if (name.StartsWith("__", StringComparison.Ordinal))
            return new UndefinedValue(name);
        if (OwnAttribute(value, name) is { } attribute)
            return attribute;
        return value is DictValue dict && dict.Items.TryGetValue(StringValue.Data(name), out var entry) ? entry : new UndefinedValue(name);
    }

    /// <summary><c>value[key]</c>: an entry or element first, then an attribute.</summary>
    public static TemplateValue Item(RenderContext context, TemplateValue value, TemplateValue key)
    {
        context.ChargeRead(key);
        switch (value)
        {
            case UndefinedValue undefined:
                throw context.Undefined(undefined);
            case DictValue dict when ValueEquality.IsHashable(key) && dict.Items.TryGetValue(key, out var entry):
                return entry;
            case ListValue list when Numbers.AsInteger(key) is { } index:
                return Wrap(index, list.Items.Count) is { } at ? list.Items[at] : UndefinedValue.Unnamed;
            case StringValue text when Numbers.AsInteger(key) is { } index:
                return Character(context, text.Value, index);
            case var _ when key is StringValue name && !name.Text.StartsWith("__", StringComparison.Ordinal):
                return OwnAttribute(value, name.Text) ?? new UndefinedValue(name.Value.IsTemplate ? name.Text : null);
            default:
                return UndefinedValue.Unnamed;
        }
    }

    /// <summary><c>value[start:stop:step]</c> with Python's negative indices and clamping.</summary>
    public static TemplateValue Slice(
        RenderContext context, TemplateValue value, TemplateValue? start, TemplateValue? stop, TemplateValue? step)
    {
        switch (value)
        {
            case UndefinedValue undefined:
                throw context.Undefined(undefined);
            case ListValue list:
                var chosen = new List<TemplateValue>();
                foreach (var index in Indices(context, list.Items.Count, start, stop, step))
                    chosen.Add(list.Items[index]);
                context.Charge(chosen.Count);
                return new ListValue(chosen, list.Kind);
            case StringValue text:
                return SliceText(context, text.Value, start, stop, step);
            default:
                throw context.Invalid($"{value.TypeName} can't be sliced.");
        }
    }

    static TemplateValue? OwnAttribute(TemplateValue value, string name) => value switch
    {
        StringValue text => StringMethods.Find(text.Value, name),
        DictValue dict => DictMethods.Find(dict, name),
        ListValue list => ListMethods.Find(list, name),
        NamespaceValue space => space.Attributes.GetValueOrDefault(name),
        CallableValue callable => callable.Attributes?.Invoke(name),
        LoopValue loop => loop.Attribute(name),
        _ => null,
    };

    static TemplateValue Character(RenderContext context, MarkedText text, BigInteger index)
    {
        context.ChargeText(text.Length);
        if (Wrap(index, CodePoints.Count(text.Text)) is not { } at)
            return UndefinedValue.Unnamed;
        var offset = CodePoints.OffsetOf(text.Text, at);
        return new StringValue(text.Slice(offset, CodePoints.LengthAt(text.Text, offset)));
    }

    static StringValue SliceText(RenderContext context, MarkedText text, TemplateValue? start, TemplateValue? stop, TemplateValue? step)
    {
        context.ChargeText(text.Length);
        var (first, count, stride) = Bounds(context, CodePoints.Count(text.Text), start, stop, step);
        if (count == 0)
            return StringValue.Empty;
        if (stride == 1)
        {
            var from = CodePoints.OffsetOf(text.Text, first);
            return new StringValue(text.Slice(from, CodePoints.OffsetOf(text.Text, first + count) - from));
        }
        var offsets = new List<int>();
        for (var at = 0; at < text.Length; at += CodePoints.LengthAt(text.Text, at))
            offsets.Add(at);
        context.Charge(offsets.Count);
        var builder = new MarkedTextBuilder(context);
        for (var i = 0; i < count; i++)
        {
            var offset = offsets[first + i * stride];
            builder.Append(text, offset, CodePoints.LengthAt(text.Text, offset));
        }
        return builder.BuildValue();
    }

    static IEnumerable<int> Indices(RenderContext context, int length, TemplateValue? start, TemplateValue? stop, TemplateValue? step)
    {
        var (first, count, stride) = Bounds(context, length, start, stop, step);
        for (var i = 0; i < count; i++)
            yield return first + i * stride;
    }

    /// <summary>The first index, the number of indices, and the distance from one to the next.</summary>
    static (int First, int Count, int Stride) Bounds(
        RenderContext context, int length, TemplateValue? start, TemplateValue? stop, TemplateValue? step)
    {
        var stride = Bound(context, step) ?? 1;
        if (stride.IsZero)
            throw context.Invalid("a slice's step is 0.");
        var isForward = stride.Sign > 0;
        var first = Clamp(Bound(context, start) ?? (isForward ? 0 : length - 1), length, isForward);
        var end = Bound(context, stop) is { } bound ? Clamp(bound, length, isForward) : isForward ? length : -1;
        // A step beyond the length takes one element, as the length itself does.
        var distance = (int)BigInteger.Min(BigInteger.Abs(stride), Math.Max(length, 1));
        var span = isForward ? end - first : first - end;
        return (first, span <= 0 ? 0 : (span - 1) / distance + 1, isForward ? distance : -distance);
    }

    static BigInteger? Bound(RenderContext context, TemplateValue? value) => value switch
    {
        null or NoneValue => null,
        UndefinedValue undefined => throw context.Undefined(undefined),
        _ => Numbers.AsInteger(value) ?? throw context.Invalid($"a slice's bounds are integers, not {value.TypeName}."),
    };

    static int Clamp(BigInteger index, int length, bool isForward)
    {
        if (index.Sign < 0)
            index += length;
        return (int)(isForward ? BigInteger.Max(0, BigInteger.Min(index, length)) : BigInteger.Max(-1, BigInteger.Min(index, length - 1)));
    }

    static int? Wrap(BigInteger index, int length)
    {
        if (index.Sign < 0)
            index += length;
        return index.Sign >= 0 && index < length ? (int)index : null;
    }
}
